"""Flows walked by people from the browser: a trial that is written while it is played."""
