"""Who sent the person here to sign in: asked of the provider, which stands above this area."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Asking:
    """The public service behind a pending request, as the sign-in page shows it."""

    service_name: str
    organisation_name: str
    public_service_id: uuid.UUID
    links: Mapping[str, str]  # what the service says of itself elsewhere: by member, its address
    form_target: str  # the registered redirect origin, for this page's CSP (design §8)


class Keeper(Protocol):
    """The request waits until that moment at least, if it waits in this browser now."""

    def __call__(self, request_id: str, digest: bytes, *, until: datetime) -> None:
        """It does."""


# (request id, browser digest, language); null: no such request in this browser, or it is over.
Finder = Callable[[str, bytes, str], Asking | None]


def _nobody(_request_id: str, _browser_digest: bytes, _language: str) -> None:
    return None


def _nothing(request_id: str, digest: bytes, *, until: datetime) -> None:
    _ = request_id, digest, until


_finder: Finder = _nobody
_keeper: Keeper = _nothing


def join(finder: Finder | None, keeper: Keeper | None = None) -> None:
    """From now on these know who asks, and let them wait; null: nobody does."""
    global _finder, _keeper
    _finder, _keeper = finder or _nobody, keeper or _nothing


def find(request_id: str, browser_digest: bytes, *, language: str) -> Asking | None:
    """Who asks; null where the request is unknown here or over."""
    return _finder(request_id, browser_digest, language)


def keep_waiting(request_id: str, browser_digest: bytes, *, until: datetime) -> None:
    """The request is not over before that moment, if it waits in this browser now."""
    _keeper(request_id, browser_digest, until=until)
