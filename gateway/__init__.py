"""The access layer: SIP and media."""
