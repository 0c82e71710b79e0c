"""How much walking the picking routes save, and what it costs to find them."""
