"""What keeps: files and SQL."""
