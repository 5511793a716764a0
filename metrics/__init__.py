"""Metrics: the fold of facts into indicators, compliance with section 10.3, Prometheus, reports."""
