"""What agents are to say and do during a call, step by step, by queue (R10.1.d)."""
