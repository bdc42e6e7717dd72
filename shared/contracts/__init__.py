"""The contracts between services: the law book, the public events, and the envelope that carries them.

The version of a contract is in its type name (`list.entry.published.v1`). Its JSON Schema is stored under `schemas/`, and a test
compares the two, so that a contract is never changed by accident.
"""
