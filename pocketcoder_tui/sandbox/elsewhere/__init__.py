"""An engine that is not this machine's own, and a workspace that has to be carried there."""
