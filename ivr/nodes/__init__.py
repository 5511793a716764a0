"""The kinds of nodes that a flow is made of."""
