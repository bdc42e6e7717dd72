"""The registry: the file of each subject, and the responses that follow from it."""
