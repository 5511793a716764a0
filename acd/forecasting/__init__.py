"""The next hours of each queue: who will call, how long they will wait, and how many more agents would hold it."""
