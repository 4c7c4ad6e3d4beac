"""The operational log: JSON lines on standard error, for operators, without anybody's data."""

import logging
import re
import sys
import uuid
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

from identity.settings import Settings

# Twelve digits in a row are a personal number until proven otherwise.
_NUMBER = re.compile(r"(?<!\d)\d{12}(?!\d)")
_ID = re.compile(r"[0-9a-f]{32}")
# What is being done: a request of somebody, or a turn of the worker, and its id; null: neither.
_doing: ContextVar[tuple[str, str] | None] = ContextVar("motlan_doing", default=None)
_NEVER = ("password", "secret", "token", "code", "cookie", "authorization", "assertion")


def configure(settings: Settings) -> None:
    """Every logger of ours writes one JSON object a line; libraries' loggers stay quiet."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[
            name,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    # At DEBUG Authlib prints whole tokens, and the HTTP client whole URLs.
    for noisy in ("authlib", "urllib3", "requests"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Several bare lines for each try to connect; whoever waited in vain says so in one of ours.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)


def begin(what: str, name: str = "") -> None:
    """Each line of this thread says what it belongs to, until something else begins."""
    _doing.set((what, name or uuid.uuid4().hex))


def name(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the id of the request or turn that the line belongs to."""
    if (doing := _doing.get()) is not None:
        event.setdefault(*doing)
    return event


def _is_id(name: str, value: str) -> bool:
    """Whether it is the id of a request or turn: 32 hexadecimal digits, some in decimal runs."""
    return name in {"request", "turn"} and _ID.fullmatch(value) is not None


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop what must never be written: secrets by their name, numbers by their shape."""
    for name, value in list(event.items()):
        if any(word in name.lower() for word in _NEVER):
            event[name] = "[redacted]"
        elif isinstance(value, str) and not _is_id(name, value):
            # Control characters could forge a second line on an operator's screen.
            clean = "".join(c if c.isprintable() else "�" for c in value)
            event[name] = _NUMBER.sub("[number]", clean)
    return event
