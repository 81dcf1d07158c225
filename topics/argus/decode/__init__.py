"""Argus records to records of ours: a kernel for each kind of part, and one that goes through records."""
