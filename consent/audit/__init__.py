"""The access log, ordered, verified and shown."""
