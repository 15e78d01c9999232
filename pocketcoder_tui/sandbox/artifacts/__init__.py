"""Files of the workspace for the person: listed, fetched, put there, and served on loopback."""

from pocketcoder_tui.sandbox.artifacts.tree import Kind, Opened, Row, Tree

__all__ = ["Kind", "Opened", "Row", "Tree"]
