"""An entry after its publication: commands, events, states and the rules by which they follow from one another. Pure."""
