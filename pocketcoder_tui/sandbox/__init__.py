"""The box: Docker, its image, one hardened container for each workspace, and programs in it."""
