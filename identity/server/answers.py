"""An answer as bytes (RFC 9112 §6): a head, and the whole body behind it."""

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple

from identity import messages

# What a connection says of itself; an application has no word in it (PEP 3333).
_OURS = frozenset({"connection", "transfer-encoding", "keep-alive", "date"})


class Answer(NamedTuple):
    """What is to be sent, but for what the connection adds to the head."""

    head: bytes
    content: bytes = b""
    pieces: Iterable[bytes] | None = None  # a long one, made as it is taken


BROKEN = Answer(messages.head(500, (("Content-Length", "0"),)))


def of(status: int, headers: Iterable[tuple[str, str]], *, content: bytes = b"") -> Answer:
    """An application's answer; the length of its body is told, unless it told one.

    Raises:
        ValueError: a header would be read as two.
    """
    told = [pair for pair in headers if _lower(pair[0]) not in _OURS]
    if status in messages.WITHOUT_BODY:
        told = [pair for pair in told if _lower(pair[0]) != "content-length"]
        return Answer(messages.head(status, told))
    if not any(_lower(name) == "content-length" for name, _ in told):
        told.append(("Content-Length", str(len(content))))
    return Answer(messages.head(status, told), content)


def streamed(status: int, headers: Iterable[tuple[str, str]], *, pieces: Iterable[bytes]) -> Answer:
    """A long answer: its length is told by its headers, or its end is the connection's."""
    told = [pair for pair in headers if _lower(pair[0]) not in _OURS]
    return Answer(messages.head(status, told), pieces=pieces)


def as_bytes(answer: Answer, *, is_last: bool, is_head: bool) -> bytes:
    """All that is sent of it (RFC 9110 §6.6.1: with the date)."""
    end = b"Connection: close\r\n\r\n" if is_last else b"\r\n"
    head = answer.head + _date(int(time.time())) + end
    return head if is_head else head + answer.content


@lru_cache(maxsize=256)
def _lower(name: str) -> str:
    return name.lower()


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
