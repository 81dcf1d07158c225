"""Rows of text written by kernels: values that come again are numbered, and their text is made once for each number."""
