"""Speech recognisers behind one port, each in a process of its own."""
