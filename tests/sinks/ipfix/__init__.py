"""Records for other collectors."""
