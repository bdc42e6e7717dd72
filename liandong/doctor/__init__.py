"""`liandong doctor`: reports problems of a node or of single services, and how to repair them.

It only reads: it changes and creates nothing, and can be run at any time while services run.
"""
