"""Who may do what, who did what, and what nobody else may read: users, tokens, the audit, the vault."""
