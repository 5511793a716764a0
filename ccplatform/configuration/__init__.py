"""What people configure, whatever it is: kinds of settings, changes with their history, sheets to exchange."""
