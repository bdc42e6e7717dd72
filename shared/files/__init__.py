"""Files from outside, read as text within size limits."""
