"""flowlift: what one camera saw, as 3D poses with honest uncertainty."""
