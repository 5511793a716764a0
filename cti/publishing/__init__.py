"""Notices and short articles that supervisors publish for agents (R10.1.d)."""
