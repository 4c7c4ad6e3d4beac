"""Grants that their public service manages: named, asked for again, added to, given back."""
