"""The law book: folded from the catalogue's events, the same in every service at the same version. Pure."""
