"""The law book as every service knows it: folded from the catalogue's events, the same at the same version."""
