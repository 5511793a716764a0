"""Links from the screen pop into the operator's own CRM."""
