"""Live capture: packets out of rings of memory that the Linux kernel fills (AF_PACKET, TPACKET_V3)."""
