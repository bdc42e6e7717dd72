"""Request and response bodies of the executor."""
