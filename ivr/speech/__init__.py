"""Speech engines behind one port, and the cache of what they said."""
