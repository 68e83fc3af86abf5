"""How fast everything is on this machine, and how fast it could be at most."""
