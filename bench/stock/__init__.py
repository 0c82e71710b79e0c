"""Holds per second on hot stock: all who ask at once held together, beside one by one."""
