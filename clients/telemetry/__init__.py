"""What a program tells of itself while it runs: metrics, health and log lines, the same way for all of them."""
