"""Whole payloads of the control plane: which, out of which packets, and what TCP carries in its order."""
