"""The browser's own cookie: it ties a pending request and a form to the browser that asked.

It is set before anybody signs in and says nothing about who that is.
"""

import base64
import re
import secrets
import unicodedata
from urllib.parse import unquote_to_bytes

from flask import Response, g, request

from identity import sealing, settings
from identity.errors import AccessDenied, InvalidRequest, UnsupportedMediaType

YEAR = 365 * 24 * 3600
FIELD = "csrf_token"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_BREAKS = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")
# Control characters, and the marks that embed, override or isolate a direction (UAX 9 §2).
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


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


def field(name: str) -> str:
    """What was sent in a field that stands once in its form; empty where it was left out.

    Raises:
        InvalidRequest: it was sent twice, and nobody could say which one was meant.
    """
    sent = request.form.getlist(name)
    if len(sent) > 1:
        raise InvalidRequest("a field must be sent only once", note=f"repeated {name}")
    return sent[0] if sent else ""


def text(name: str) -> str:
    """What a person wrote into a field, as everybody will read it.

    Without what no keyboard types and no page shows, such as the marks that a copy from a
    document brings along or that turn the direction of reading.
    """
    written = unicodedata.normalize("NFC", field(name)).replace("\r\n", "\n")
    return _UNSEEN.sub("", _BREAKS.sub("\n", written)).strip()


def _is_text(body: bytes) -> bool:
    sent = unquote_to_bytes(body) if request.mimetype == FORMS[0] else body
    try:
        sent.decode()
    except UnicodeDecodeError:
        return False
    return b"\x00" not in sent


def form_token() -> str:
    """The token of every form on the page: an HMAC over the browser cookie's digest."""
    return base64.urlsafe_b64encode(sealing.ring().mac("csrf", digest())).decode()


def check_form() -> None:
    """Let a posted form pass only if our own page in this very browser made it.

    Raises:
        UnsupportedMediaType: no browser sends a form of ours like that.
        InvalidRequest: it is no UTF-8, or holds a NUL: no keyboard types it, and PostgreSQL
            keeps none.
        CrossSite: another origin, no token, or a token of another browser.
    """
    if request.mimetype and request.mimetype not in FORMS:
        raise UnsupportedMediaType("send the form as the page does", note="content type")
    if not _is_text(request.get_data()):
        raise InvalidRequest("the form is not UTF-8, or holds the character NUL", note="no text")
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
