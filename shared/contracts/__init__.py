"""What services say to one another: the law book, the public events, and the envelope that carries them.

A contract is versioned in its type name (`list.entry.published.v1`). Its JSON Schema stands under `schemas/` and a test
compares the two, so that a change of a contract is seen and meant.
"""
