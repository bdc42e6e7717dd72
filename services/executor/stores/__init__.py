"""Tables that the executor writes itself and that are not folded from its events."""
