"""One real Apache Kafka node on loopback, for development and tests."""
