"""What may enter the law book and how: pure. `book` decides about the book, `drafts` about who proposes and who publishes."""
