"""What tells how to use the commands: manual pages, examples, completion in shells."""
