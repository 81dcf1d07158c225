"""The flow table: packets to bidirectional flows to status records."""
