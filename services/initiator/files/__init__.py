"""Import files: the upload, from bytes to rows, from rows to the input of entries, and the file of rejected rows."""
