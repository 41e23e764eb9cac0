"""Networks and training states in files."""
