"""What is there: hosts, services, scans, stations, paths; and what changed between two times. Pure, over frames."""
