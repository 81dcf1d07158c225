"""Records of a running argus or radium: attached to over TCP or a UNIX socket, or sent here over UDP."""
