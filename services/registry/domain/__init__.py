"""The measures that follow from a subject's file. Pure.

`commands`, `events`, `file` (the state) and `deciding` are the aggregate. `difference` compares what should apply with what does.
`resolver` resolves one entry, by the `law` of a day. `rehearsal` and `clean_record` answer questions and decide nothing.
"""
