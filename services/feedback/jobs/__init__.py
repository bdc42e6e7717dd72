"""Background jobs of feedback."""
