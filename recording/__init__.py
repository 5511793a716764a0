"""Recording of agents' talks (R10.1.f).

``policy`` decides, purely; ``service`` is its shell in control, ``repair`` what it does after a restart, ``files``
where the audio lies, ``wave`` its form. ``store`` is the catalogue, ``retention`` the nightly deletion, ``disk``
the watch over free space, ``routes`` listening.
"""
