"""The read models of the executor, folded from its own events."""
