"""Checkpoints: the workspace kept before each action that can write, and brought back."""

from pocketcoder_tui.sandbox.checkpoints.keeper import CheckpointKeeper
from pocketcoder_tui.sandbox.checkpoints.walking import Limits, Stopped

__all__ = ["CheckpointKeeper", "Limits", "Stopped"]
