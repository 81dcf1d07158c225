"""What drives processors: in one process, or on Kafka."""
