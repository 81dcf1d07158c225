"""What people type: the argosy command and the ra family."""
