"""Which of our own resources a token is for: RFC 8707. They are userinfo and our API."""

from collections.abc import Collection

from identity import settings
from identity.errors import Refusal
from identity.parameters import Parameter

API_PATH = "/api"
METADATA_PATH = "/.well-known/oauth-protected-resource"  # RFC 9728 §3
PARAMETER = Parameter(
    name="resource",
    meaning="what the token is for, may be sent twice: the issuer, or the issuer and /api",
    longest=500,
)


class InvalidTarget(Refusal):
    """No token is given for that, or not by what was authorized (RFC 8707 §2)."""

    code, slug = "invalid_target", "invalid-target"
    title = "There is no token for that resource"


def known() -> tuple[str, str]:
    """The resources there are: userinfo and its neighbours, and our API."""
    here = settings.current()
    return here.issuer, here.api_audience


def metadata_address(*, is_api: bool) -> str:
    """Where it is told what a resource takes: RFC 9728 §3.1."""
    return settings.current().issuer + METADATA_PATH + (API_PATH if is_api else "")


def read(text: str | None) -> tuple[str, ...]:
    """The resources that a request names; empty: it names none, so that any will do.

    Raises:
        InvalidTarget: one that is not ours, letter for letter.
    """
    if not text:
        return ()
    asked = tuple(dict.fromkeys(text.split()))
    if not set(asked) <= set(known()):
        raise InvalidTarget("resource is the issuer, or the issuer and /api")
    return asked


def require(asked: Collection[str], *, granted: Collection[str]) -> None:
    """What is asked for is among what was authorized; nothing named there is all there is.

    Raises:
        InvalidTarget: it is more.
    """
    if granted and not set(asked) <= set(granted):
        raise InvalidTarget("ask for no other resource than was authorized")


def reaches_api(resources: Collection[str]) -> bool:
    """Whether these are not userinfo alone."""
    return not resources or settings.current().api_audience in resources


def audience(resources: Collection[str], *, has_details: bool) -> str:
    """The one audience of a token: what is meant for our API opens userinfo too."""
    here = settings.current()
    is_for_api = here.api_audience in resources if resources else has_details
    return here.api_audience if is_for_api else here.issuer
