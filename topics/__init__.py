"""What travels: record model, Avro schemas, columnar codec, keys and partitions, filter language, bus."""
