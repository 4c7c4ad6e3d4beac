"""The embedded registers: what the state's registers say, filled from their files."""
