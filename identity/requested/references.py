"""Request objects by reference, RFC 9101 §5.2: fetched from where the service registered them."""

import hashlib
import threading
import time
import uuid

from identity import jws, outbound, waiting
from identity.errors import Refusal
from identity.public_services.registered import Registered
from identity.requested.requests import RequestUriNotSupported

LONGEST = 512  # characters, RFC 9101 §5.2
ACCEPT = "application/oauth-authz-req+jwt, application/jwt;q=0.9, */*;q=0.1"
KEPT_SECONDS = 600.0
MOST_KEPT = 256
MOST_AT_ONCE = 4  # whoever sends browsers here must not be able to keep every thread waiting
WAIT_SECONDS = 1.0


class UnreadableReference(Refusal):
    """No request object can be had at that address (RFC 9101 §7)."""

    code, slug = "invalid_request_uri", "unreadable-request-uri"
    title = "The request_uri leads to no request object"


def fetch(uri: str, service: Registered) -> str:
    """The object at an address that this service registered, by at most one request of ours.

    Where its fragment is the digest of what is there (OIDC Core §6.2), it is kept for a while. Any
    other fragment says nothing: what is there counts by its signature alone.

    Raises:
        RequestUriNotSupported: the service registered no address at all.
        UnreadableReference: not this one, or nothing came.
    """
    if not service.request_uris:
        raise RequestUriNotSupported("register request_uris, or push the request: RFC 9126")
    address, _, digest = uri.partition("#")
    if len(uri) > LONGEST or address not in {_address(known) for known in service.request_uris}:
        raise UnreadableReference("request_uri is not registered, to the letter")
    if not digest:
        return _fetched(address)
    text = _kept.find(service.id, uri)
    if text is None:
        text = _fetched(address)
        if jws.base64url(hashlib.sha256(text.encode()).digest()).decode() == digest:
            _kept.keep(service.id, uri, text=text)
    return text


def forget() -> None:
    """Fetch again at the next use."""
    _kept.forget()


def _address(registered: str) -> str:
    return registered.partition("#")[0]


def _fetched(address: str) -> str:
    waiting.require()  # before the gate, where a turn would hold everybody up
    if not _fetching.acquire(timeout=WAIT_SECONDS):
        raise UnreadableReference("too many request objects are being fetched: try again")
    try:
        return outbound.get_text(address, accept=ACCEPT).strip()
    except outbound.OutboundRefused as fault:
        raise UnreadableReference("nothing could be had at request_uri", note=str(fault)) from None
    finally:
        _fetching.release()


class _Kept:
    """What this process fetched and knows by its digest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[tuple[uuid.UUID, str], tuple[str, float]] = {}

    def find(self, service_id: uuid.UUID, uri: str) -> str | None:
        text, until = self._texts.get((service_id, uri), ("", 0.0))
        return text if time.monotonic() < until else None

    def keep(self, service_id: uuid.UUID, uri: str, *, text: str) -> None:
        with self._lock:
            if len(self._texts) >= MOST_KEPT:
                self._texts.clear()
            self._texts[service_id, uri] = (text, time.monotonic() + KEPT_SECONDS)

    def forget(self) -> None:
        with self._lock:
            self._texts.clear()


_fetching = threading.BoundedSemaphore(MOST_AT_ONCE)
_kept = _Kept()
