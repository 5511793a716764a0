"""Reports that are made by themselves, day by day or year by year, into a folder or by e-mail (R10.1.g)."""
