"""The read models of the catalogue: drafts, and the law book by item (`items`: tables and projection, `item_queries`)."""
