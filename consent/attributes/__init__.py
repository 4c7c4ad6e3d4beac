"""The catalogue of attributes, the registers that own them, values and their provenance."""
