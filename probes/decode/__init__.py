"""Header decoding kernels: one frame in, the identity and the measures of one packet out."""
