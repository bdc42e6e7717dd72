"""Files from outside: read as text, within bounds."""
