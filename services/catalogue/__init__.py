"""The catalogue: the law book, its versions, and who may change it."""
