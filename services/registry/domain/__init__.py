"""What follows from a subject's file: pure. `file` decides, `resolution` reads the law book, `events` are what it notes."""
