"""The decisions of the initiator: the life of an entry until its publication, and the life of an import.

Pure: time, law book and officer are arguments.
"""
