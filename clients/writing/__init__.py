"""Where records go: files of `-w`, files in the place of others, tables of a database."""
