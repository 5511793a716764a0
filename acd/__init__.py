"""Automatic call distribution: agents, queues and the pure, event-driven engine that brings them together."""
