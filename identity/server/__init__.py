"""The server of a web process: one event loop that reads HTTP and answers (RFC 9112)."""
