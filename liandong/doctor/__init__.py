"""`liandong doctor`: says in plain words what is wrong with a node or a service, and what to do about it.

It only looks: it changes nothing, makes nothing, and may be run at any time beside whatever is at work.
"""
