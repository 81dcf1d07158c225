"""What a probe observes besides packets: programs, files, sockets, devices, logs and alerts, each on its schedule."""
