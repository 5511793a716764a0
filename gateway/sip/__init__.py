"""SIP (RFC 3261): messages, transactions, dialogs, registrar and trunks as pure cores, and their asyncio shell."""
