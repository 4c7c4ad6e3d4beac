"""Who sent the person here to sign in: asked of the provider, which stands above this area."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asking:
    """The public service behind a pending request, as the sign-in page shows it."""

    service_name: str
    organisation_name: str
    public_service_id: uuid.UUID
    form_target: str  # the registered redirect origin, for this page's CSP (design §8)


# (request id, browser digest, language); null: no such request in this browser, or it is over.
Finder = Callable[[str, bytes, str], Asking | None]


def _nobody(_request_id: str, _browser_digest: bytes, _language: str) -> None:
    return None


_finder: Finder = _nobody


def join(finder: Finder | None) -> None:
    """From now on this one knows who asks; null: nobody does."""
    global _finder  # noqa: PLW0603 - one process, one provider
    _finder = finder or _nobody


def find(request_id: str, browser_digest: bytes, *, language: str) -> Asking | None:
    """Who asks; null where the request is unknown here or over."""
    return _finder(request_id, browser_digest, language)
