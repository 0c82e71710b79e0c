"""Where the embedded stack's mail ends up: an SMTP server that delivers nothing, and its pages."""
