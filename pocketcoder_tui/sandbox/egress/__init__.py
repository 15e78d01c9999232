"""Egress: the box has no network, and a host is reached only through what a person allowed."""

from pocketcoder_tui.sandbox.egress.gateway import open_gateway

__all__ = ["open_gateway"]
