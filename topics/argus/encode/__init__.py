"""Records of ours to records of Argus: a kernel for each kind of part, and one that goes through records."""
