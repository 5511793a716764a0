"""Tells the operator's CRM of calls as they are offered, answered and over."""
