"""Results to look at: the one-file HTML viewer, overlays on the image, static pictures."""
