"""Models for other programs: a trained network in the format of each."""
