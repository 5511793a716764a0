"""What agents write down about contacts: what they came to, and notes; and the time that they have for it."""
