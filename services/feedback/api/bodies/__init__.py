"""Response bodies of feedback."""
