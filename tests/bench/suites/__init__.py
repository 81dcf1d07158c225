"""What `make bench` measures, a file for each of the folders that it is in."""
