"""What is answered from: the files of an archive, their columns in memory, and which rows a filter selects."""
