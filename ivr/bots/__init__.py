"""Voice bots: outside programs that talk with callers, behind one process of relays."""
