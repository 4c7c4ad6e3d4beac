"""Legal clocks: by when a request of a person has to be answered, counted in Vietnam's days."""
