"""Read models, one file for each: `entries` is projected from events, `files` and `resolutions` are folded from streams."""
