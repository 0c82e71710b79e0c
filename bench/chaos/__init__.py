"""Orders at all payment providers while everything goes wrong: what our books say afterwards."""
