"""The laws of `DESIGN`, as questions that a database can be asked; one area a file."""
