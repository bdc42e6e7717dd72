"""The initiator (发起): list entries until they are published, one by one or from a file."""
