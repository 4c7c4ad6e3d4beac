"""The register of people: personal number, enrolment, passwords, representation."""

from flask import Flask

from identity.citizens import commands, enrolment


def join(app: Flask) -> None:
    """Bring this area's commands. Comes first: the areas above hang on to what ends here."""
    enrolment.begin()
    app.cli.add_command(commands.citizens)
