"""Bulk import: how a file becomes rows, rows become entries, and what is told about those that do not."""
