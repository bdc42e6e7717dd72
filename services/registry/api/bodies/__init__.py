"""HTTP request and response bodies, one file for each subject."""
