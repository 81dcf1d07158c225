"""Ten minutes of a small office, told packet by packet: the capture that `make run` shows."""
