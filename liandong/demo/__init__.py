"""The demo: a client that runs one scenario on the system, with invented subjects."""
