"""What a run leaves for people to read: a page, its tables, its pictures."""
