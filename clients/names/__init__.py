"""`argosy names`, `radns` and `who`: DNS transactions, and what names addresses had."""
