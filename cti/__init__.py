"""Computer-telephony integration: what agents and supervisors see and do.

``live`` folds the facts into the live view, in control and in web; ``frames``, ``events`` and ``socket`` carry it
to the pages; ``routes`` is the REST, ``pop`` the screen pop, ``store`` the customers' directory.
"""
