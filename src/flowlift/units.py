"""Units of length."""

METRES = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001}
"""How many metres each is."""
