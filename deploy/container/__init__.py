"""What the image needs besides the programs: a bill of its materials, and whether it is well."""
