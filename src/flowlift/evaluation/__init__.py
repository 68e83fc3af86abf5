"""Metrics, calibration of the uncertainty, and the protocols that results are measured by."""
