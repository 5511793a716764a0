"""The kernel: clock, ids, tasks, effect runner, fact stream, framing, base errors. Knows no telephony."""
