"""What observes: packets to flow status records."""
