"""The HTTP side of every service: problems in two languages, access control, idempotent writes, middleware."""
