"""The training of one seed, and of many."""
