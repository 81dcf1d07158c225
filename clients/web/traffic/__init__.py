"""What flows add up to: in all, by what they are told apart by, over time, by pairs."""
