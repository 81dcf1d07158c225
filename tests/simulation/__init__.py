"""Many probes at once: real messages on a real Kafka, a worker and a sink, and what became of everything."""
