"""The demo: a client of the running system, with invented subjects."""
