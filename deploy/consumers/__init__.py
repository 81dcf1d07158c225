"""Consumers in other languages, written from the schemas and docs/guides/consumers.md alone."""
