"""The questions that the executor answers."""
