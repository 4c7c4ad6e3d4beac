"""The catalogue: what each administrative procedure needs, why, on what legal basis."""
