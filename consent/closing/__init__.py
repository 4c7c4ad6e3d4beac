"""The end of a log that lost entries, said aloud, and the next one that follows it."""

from flask import Flask

from consent.closing import commands


def join(_app: Flask) -> None:
    """Bring `motlan log close`, beside the other commands of the log."""
    commands.join()
