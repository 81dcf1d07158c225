"""All that is known of one flow: its records, who saw it, what names and alerts belong to it, and where it is kept."""
