"""The background workers of feedback."""
