"""The browser's own cookie: it ties a pending request and a form to the browser that asked.

It is set before anybody signs in and says nothing about who that is.
"""

import base64
import secrets

from flask import Response, g, request
from flask_babel import gettext as _

from identity import sealing, settings
from identity.errors import AccessDenied, InvalidRequest

YEAR = 365 * 24 * 3600
FIELD = "csrf_token"


class CrossSite(AccessDenied):
    """A form was posted from another site, or by a browser that lost our cookie."""

    slug = "cross-site"
    title = "The form did not come from our page"


def cookie_name(kind: str) -> str:
    """`__Host-` over https; plain on a loopback host, where browsers refuse the prefix."""
    prefix = "__Host-" if settings.current().is_https else ""
    return f"{prefix}motlan-{kind}"


def set_cookie(response: Response, kind: str, *, value: str, max_age: int | None = None) -> None:
    """One of our cookies: HttpOnly, Lax, for the whole host."""
    response.set_cookie(
        cookie_name(kind),
        value,
        max_age=max_age,
        httponly=True,
        secure=settings.current().is_https,
        samesite="Lax",
        path="/",
    )


def forget_cookie(response: Response, kind: str) -> None:
    """Ask the browser to drop one of our cookies."""
    set_cookie(response, kind, value="", max_age=0)


def digest() -> bytes:
    """The digest of this browser's cookie, made now if it has none."""
    if "browser" not in g:
        value = request.cookies.get(cookie_name("browser"), "")
        if not _is_ours(value):
            value = g.new_browser = secrets.token_urlsafe(32)
        g.browser = value
    return sealing.digest(g.browser)


def _is_ours(value: str) -> bool:
    return len(value) == 43 and value.isascii()  # noqa: PLR2004 - token_urlsafe(32)


def remember(response: Response) -> Response:
    """Send the cookie that `digest` made; every page goes through this."""
    if "new_browser" in g:
        set_cookie(response, "browser", value=g.pop("new_browser"), max_age=YEAR)
    return response


def form_token() -> str:
    """The token of every form on the page: an HMAC over the browser cookie's digest."""
    return base64.urlsafe_b64encode(sealing.ring().mac("csrf", digest())).decode()


def check_form() -> None:
    """Let a posted form pass only if our own page in this very browser made it.

    Raises:
        CrossSite: another origin, no token, or a token of another browser.
        InvalidRequest: a field holds a NUL: no keyboard types it, and PostgreSQL keeps none.
    """
    if any("\x00" in text for pair in request.form.items(multi=True) for text in pair):
        raise InvalidRequest(_("Yêu cầu không hợp lệ. Hãy mở lại trang và thử lại."), note="NUL")
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin != settings.current().issuer:
        raise CrossSite("open the page again and send the form from there", note="origin")
    if site not in (None, "same-origin", "none"):
        raise CrossSite("open the page again and send the form from there", note="fetch site")
    try:
        token = base64.urlsafe_b64decode(request.form.get(FIELD, ""))
    except ValueError:
        token = b""
    if not sealing.ring().is_mac("csrf", digest(), claimed=token):
        raise CrossSite("open the page again and send the form from there", note="token")
