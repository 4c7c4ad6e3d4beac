"""Who sends an authorization request, and where its answer may go (RFC 6749 §3.1.2, §4.1.2.1).

While either is in doubt nothing is redirected, and the person sees a page. What else a request
has to be stands in the table of `rules`, and goes back to the public service.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from identity.errors import InvalidRequest, Refusal
from identity.managed import asking
from identity.parameters import Parameters
from identity.polled.ways import Polled
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.requested.wish import LIMITS, Wish

LOOPBACK = frozenset({"127.0.0.1", "::1"})  # RFC 8252 §8.3: numbers, not the name


class NotSentBack(InvalidRequest):
    """Who asks, or where the answer may go, is not certain: a page, never a redirect."""

    slug = "not-sent-back"
    title = "This request is not valid"


class RequestNotSupported(Refusal):
    """Request objects without a signature are not taken (OIDC Core §6.1)."""

    code, slug = "request_not_supported", "request-not-supported"
    title = "The request parameter is not supported"


class RequestUriNotSupported(Refusal):
    """Nothing is fetched from an address that nobody registered (OIDC Core §6.2)."""

    code, slug = "request_uri_not_supported", "request-uri-not-supported"
    title = "The request_uri parameter is not supported"


def read(parameters: Parameters) -> Wish:
    """The wish of a request, its sender and its way back certain, its rules not yet checked.

    Raises:
        NotSentBack: the public service is unknown, or the redirect URI is not one of its own.
    """
    repeated = tuple(name for name in parameters.repeated() if name in LIMITS)
    for name in ("client_id", "redirect_uri"):
        if name in repeated:
            raise NotSentBack(f"{name} must be sent only once")
    names = [name for name in parameters.names() if name in _PLAIN and name not in repeated]
    sent = {name: parameters.one(name) for name in names}
    plain = reread({name: value for name, value in sent.items() if value is not None})
    return replace(plain, repeated=repeated) if repeated else plain


# What is read of a request that does not come as an object.
_PLAIN = frozenset(LIMITS) - {"request", "request_uri"}


def reread(
    said: Mapping[str, str],
    *,
    pushed: bytes | None = None,
    polled: Polled | None = None,
    in_object: bool = False,
) -> Wish:
    """The wish of a stored request or an object, against the registration as it is now.

    Raises:
        NotSentBack: as for `read`.
    """
    service = public_service(said.get("client_id"))
    way_back = _redirect_uri(said.get("redirect_uri"), service) if polled is None else ""
    said = asking.widened(said, service)
    return Wish(service, way_back, said, pushed=pushed, polled=polled, in_object=in_object)


def renewed(wish: Wish) -> Wish:
    """The wish against the registration as it is now, past what this process remembers.

    Raises:
        NotSentBack: as for `read`.
    """
    registered.again(wish.public_service)
    service = public_service(wish.public_service.client_id)
    way_back = _redirect_uri(wish.redirect_uri, service) if wish.polled is None else ""
    return replace(wish, public_service=service, redirect_uri=way_back)


def public_service(client_id: str | None) -> Registered:
    """Who asks.

    Raises:
        NotSentBack: nobody that is registered and may ask.
    """
    if client_id is None:
        raise NotSentBack("client_id is required")
    service = registered.find(client_id) if len(client_id) <= LIMITS["client_id"] else None
    if service is None or not service.is_active:
        raise NotSentBack("client_id is not registered")
    return service


def _redirect_uri(uri: str | None, service: Registered) -> str:
    if uri is None:
        raise NotSentBack("redirect_uri is required")
    if uri not in service.redirect_uris and not _is_native(uri, service):
        raise NotSentBack("redirect_uri is not registered, to the letter, for this client_id")
    return uri


def _is_native(uri: str, service: Registered) -> bool:
    """Whether it is a loopback address registered without a port, with one (RFC 8252 §7.3)."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if host not in LOOPBACK or port is None:
        return False
    bare = f"[{host}]" if ":" in host else host
    if parts.netloc != f"{bare}:{port}" or not uri.startswith(f"http://{bare}:{port}"):
        return False
    return uri.replace(f":{port}", "", 1) in service.redirect_uris
