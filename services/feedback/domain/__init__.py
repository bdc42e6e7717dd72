"""The ledger (line, entry, ledger), and what feedback concludes from it (loop, obligation). Pure.

Feedback may read the topics of the other services in any order between them. When the registry is down, it reads that an
entry was published and revoked, and the directions only later. A department's answer may come before the direction that it
answers. So everything here commutes: the same events leave the same ledger, in whatever order the topics are read. Within a
topic and under one key the order is the order of commit, and the ledger relies on that.
"""
