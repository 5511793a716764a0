"""Evidence packs: the facts of a period, the definitions, and the figures that they give; signed.

A pack is a ZIP of ``manifest.json`` (what it is about, SHA-256 of every other file, the signer's public key),
``signature`` (Ed25519 over the manifest, RFC 8032, in hexadecimal), ``definitions.json``, ``facts.jsonl`` (one
event a line, without what identifies a person: no figure needs it) and ``results.json`` (the rows of section 10.3
at each even hour and at the end). Whoever verifies computes every number anew.
"""
