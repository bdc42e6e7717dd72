"""The pure part of the executor: the response with its tasks, one for each line, and the check."""
