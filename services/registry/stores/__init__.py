"""Tables that the registry writes itself, not folded from its events: locks of subjects, runs, rehearsals."""
