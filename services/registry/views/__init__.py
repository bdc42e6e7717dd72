"""Read models, one file for each: `entries` and `readings` are projected from events, `files` and `resolutions` are folded from
streams."""
