"""Docker brought to this machine: installed by the system's package manager, then started."""
