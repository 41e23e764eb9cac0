"""What the bench measures with: both sides, their turns, and what these come to."""
