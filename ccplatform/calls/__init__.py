"""The saga of a call: which part acts next, from the INVITE to the contact's one outcome."""
