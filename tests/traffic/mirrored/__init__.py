"""Traffic of which it is known what each packet is, and what mirroring does to it."""
