"""Who looked: entries of the log, opened to be read, and what holds for whoever reviews it."""

from datetime import timedelta
from typing import TYPE_CHECKING

from consent.looks import security
from identity.account import events
from identity.joining import Purge, joined

if TYPE_CHECKING:
    from flask import Flask


def join(_app: "Flask") -> None:
    """Bring the acts that a person sees among their own account's, and the end of searches."""
    events.join(security.latest)
    joined().purges.append(Purge("audit_search", "expires_at", timedelta(0)))
