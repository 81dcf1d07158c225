"""Flows as a table: in an order, a page at a time, merged by fields, and as files."""
