"""The log beside a backup: caught up with, or closed where entries are lost, and the next one."""

from flask import Flask

from consent.closing import catch_up, commands
from identity.joining import Check, joined


def join(_app: Flask) -> None:
    """Bring `motlan log close`, and what is due where a whole backup was put back."""
    commands.join()
    joined().restored.append(Check("second store", catch_up.catch_up))
