"""A whole system on one machine: the compose file and what it mounts."""
