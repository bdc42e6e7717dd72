"""The law book as files: YAML of all kinds, CSV of one kind, XLSX with a sheet for each kind."""
