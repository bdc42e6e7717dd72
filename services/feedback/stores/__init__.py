"""Tables that feedback writes itself and that are not folded from other tables, and the sources of a rebuild."""
