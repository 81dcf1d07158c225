"""`argosy events` and `argosy raevent`: what programs, files, sockets, devices and logs say, kept and asked for."""
