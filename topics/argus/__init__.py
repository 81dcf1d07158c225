"""Records as Argus 3 and 5 write them, to files and to port 561: a decoder and an encoder of batches."""
