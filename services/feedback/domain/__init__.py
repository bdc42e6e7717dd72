"""What the ledger holds (line, entry, ledger), and what feedback concludes from it (loop). Pure.

The topics of the others reach feedback in any order between them: when the registry is down it reads that an entry was
published and revoked and hears of the directions later; a department's answer may come before the direction that it
answers. So everything here commutes: whatever the order between topics, the same events leave the same ledger. Within a
topic and under one key the order is that in which the events were committed, and that much is relied upon.
"""
