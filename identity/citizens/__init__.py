"""The register of people: personal number, enrolment, passwords, representation."""
