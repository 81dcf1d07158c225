"""Packet filters: libpcap's expressions, compiled by it and run by the operating system or by a kernel of ours."""
