"""What waits for the brokers, on disk: bounded, in order, through any crash."""
