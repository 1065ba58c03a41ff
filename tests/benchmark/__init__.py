"""`make bench`: CPU per call, as ratios to baselines taken in the same run. Never a test."""
