"""Promised call-backs: a place in the queue that is kept while nobody is on the line."""
