"""The keys of the provider, and what they sign: one place that signs and verifies."""
