"""The read models of the initiator: its entries and its imports."""
