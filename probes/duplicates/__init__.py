"""Copies that mirroring makes of packets, told from packets that were sent again."""
