"""Flow records of others, from datagrams to batches."""
