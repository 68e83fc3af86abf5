"""What a lifter does between keypoints and an answer: conditioning, sampling, and what goes with them."""
