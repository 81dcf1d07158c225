"""How it is run: servers for development, packaging and sample configuration."""
