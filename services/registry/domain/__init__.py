"""What follows from a subject's file: pure. `deciding` says what changes, `following` what should stand, `resolution` which
measures follow from an entry by the law, `law` which law that is, `file` is the state, `events` are what it notes."""
