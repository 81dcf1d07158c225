"""What is read, and which of it: options that commands share, sources of records, filters and time ranges asked for."""
