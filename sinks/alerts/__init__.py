"""What happens with alerts: they are kept in files and delivered to people."""
