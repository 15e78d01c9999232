"""One session: runs the loop, asks the gatekeeper, dispatches, records; no screen."""
