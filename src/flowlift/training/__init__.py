"""Training of the packaged networks: bodies, views, and the loop."""
