"""Release through the gate."""
