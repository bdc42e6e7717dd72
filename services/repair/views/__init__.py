"""The read models of repair: each file has a table, its projection and its queries. `history` is folded on request."""
