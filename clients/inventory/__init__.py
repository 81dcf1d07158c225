"""Commands that say what is there: hosts, services, scans, stations, paths, and what changed."""
