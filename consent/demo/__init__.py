"""The demo country: invented people, services and officers, and a year behind them."""

from flask import Flask

from consent.demo import commands


def join(app: Flask) -> None:
    """Bring the command `demo`."""
    app.cli.add_command(commands.demo)
