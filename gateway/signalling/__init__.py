"""Signalling for people: kept, searched, drawn and exported, in the process of the pages (R10.4.d)."""
