"""Background workers: entries in force are resolved again when the law changes, and drafts of the law are rehearsed."""
