"""Archives: directories or buckets of files that sinks wrote, and how their files are replaced by others."""
