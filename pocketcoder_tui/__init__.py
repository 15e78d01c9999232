"""PocketCoder: a terminal workbench for an AI agent that asks before it acts and acts in a box."""

__version__ = "0.1.0"
