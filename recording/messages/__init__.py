"""Voice mail: messages that callers leave for a queue or an agent (mailboxes).

A message is a recording of mode ``message`` and has its id. What became of it is told as facts: ``book`` holds
what still waits, purely; ``service`` is its shell in control, ``store`` its rows, ``routes`` its REST.
"""
