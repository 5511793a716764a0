"""What people do with a recording besides hearing it: see it, comment it, export it, by links that end."""
