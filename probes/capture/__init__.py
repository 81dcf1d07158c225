"""Where packets come from: capture files in every wrapping, cut into blocks of framed packets."""
