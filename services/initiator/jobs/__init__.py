"""Background work on imports: the workers, the steps, and what the steps share."""
