"""The registry over HTTP: `routes` ask the views, `answers` are the shapes that callers get."""
