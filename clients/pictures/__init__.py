"""What the commands that draw share: axes of time, numbers with units, colours, and pictures as files."""
