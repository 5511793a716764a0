"""Shifts that are planned for agents, and how far they keep to them (R6.3, R6.7)."""
