"""Trials of flows: files in which operators write what a caller does and hears, run in virtual time."""
