"""What may enter the law book, and how. Pure. `book` decides about the content, `drafts` about who drafts and who publishes."""
