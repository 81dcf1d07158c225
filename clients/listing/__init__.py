"""Records as a listing on the terminal: which columns, and the text of each line."""
