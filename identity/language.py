"""Pages in two languages: Vietnamese is the source, English is complete; and pages' errors."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request
from flask_babel import Babel, get_locale, get_translations
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter
from werkzeug.wrappers import Response as AnyResponse

from identity import appearance, browser, errors, presentation
from identity.errors import (
    BodyTooLarge,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Refusal,
    UnsupportedMediaType,
)
from identity.guards import anyone, enter
from identity.joining import joined

LANGUAGES = ("vi", "en")
YEAR = 365 * 24 * 3600
# An address of ours: no other host after two slashes of either kind, and nothing unprintable.
_OURS = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f]*")
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)


def init_app(app: Flask) -> None:
    """Give every page its language, its form token, its headers and its error page."""
    app.jinja_environment = appearance.Templates
    Babel(app, default_locale="vi", locale_selector=chosen)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined] # of Babel's extension
        lambda text: _catalogue().ugettext(text),
        lambda one, many, n: _catalogue().ungettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.globals.update(
        form_token=browser.form_token,
        csrf_field=browser.FIELD,
        menu=lambda: joined().menu,
        language=lambda: str(get_locale() or "vi"),
        show=presentation,
        sentence=sentence,
    )
    appearance.init_app(app)
    app.after_request(_finish_page)
    app.add_url_rule("/language", "language", enter(anyone)(switch), methods=["GET"])


def _catalogue() -> Any:  # noqa: ANN401 - Babel's or gettext's translations
    """The sentences of this request's language, found once for a page that says many."""
    if "catalogue" not in g:
        g.catalogue = get_translations()
    return g.catalogue


def chosen() -> str:
    """The person's own choice, then what the public service asked for, then the browser's."""
    wish = request.cookies.get(browser.cookie_name("language"))
    if wish in LANGUAGES:
        return wish
    for tag in g.get("ui_locales", ()):
        if tag.partition("-")[0].lower() in LANGUAGES:
            return str(tag.partition("-")[0].lower())
    return request.accept_languages.best_match(LANGUAGES) or "vi"


def switch() -> AnyResponse:
    """Remember the language and go back to the page; only ever to a page of ours."""
    back = request.args.get("back", "/")
    answer = redirect(_page_at(back) if _OURS.fullmatch(back) else "/", 303)
    wish = request.args.get("to", "")
    if wish in LANGUAGES:
        browser.set_cookie(answer, "language", value=wish, max_age=YEAR)  # type: ignore[arg-type] # werkzeug's base
    return answer


def _page_at(address: str) -> str:
    """The address if it can be asked for; else, after a form that was refused, the page above."""
    routes, path = current_app.url_map.bind("localhost"), urlsplit(address).path
    if not _takes_no_get(routes, path):
        return address
    while path and not _is_page(routes, path):
        path = path.rpartition("/")[0]
    return path or "/"


def _takes_no_get(routes: MapAdapter, path: str) -> bool:
    return bool(routes.allowed_methods(path)) and not _is_page(routes, path)


def _is_page(routes: MapAdapter, path: str) -> bool:
    return "GET" in routes.allowed_methods(path)


def _finish_page(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "other"
    request.environ["motlan.route"] = route
    if response.mimetype == "text/html":
        csp = CSP
        if "form_target" in g:  # the registered redirect origin of this request (design §8)
            csp += " " + g.form_target
        response.headers["Content-Security-Policy"] = csp
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Content-Language"] = str(get_locale() or "vi")
        response.vary.update(("Accept-Language", "Cookie"))
    return browser.remember(response)


def request_id() -> str:
    """The id the edge gave this request."""
    return str(request.environ.get("motlan.request_id", ""))


_HTTP: dict[int, tuple[type[Refusal], str]] = {
    404: (NotFound, "there is nothing at this address"),
    405: (MethodNotAllowed, "this address does not take that method; Allow names those it takes"),
    413: (BodyTooLarge, "send less: the body is larger than this address takes"),
    415: (UnsupportedMediaType, "send another content type: this address does not take that one"),
}
_SENTENCES: dict[int, Any] = {
    400: _("Yêu cầu không hợp lệ. Hãy mở lại trang và thử lại."),
    404: _("Không có trang này. Kiểm tra lại địa chỉ hoặc về trang đầu."),
    405: _("Trang này không nhận cách gửi đó. Hãy về trang đầu và đi theo các liên kết."),
    413: _("Nội dung gửi lên quá dài. Hãy quay lại, viết ngắn hơn rồi gửi lại."),
    415: _("Trang này không nhận loại nội dung đó. Hãy mở lại trang và gửi bằng nút trong trang."),
}


def sentence(refusal: Refusal) -> str:
    """What a person reads: the refusal's own sentence, or that of its status."""
    return refusal.sentence or str(_SENTENCES.get(refusal.status, _SENTENCES[400]))


def for_http(error: HTTPException) -> Refusal:
    """Our refusal for one that Flask or Werkzeug raised."""
    unread = (InvalidRequest, "the request cannot be read")
    kind, detail = _HTTP.get(error.code or 400, unread)
    refusal = kind(detail, note=f"http {error.code}")
    if error.code == 405 and getattr(error, "valid_methods", None):  # noqa: PLR2004 - RFC 9110 §15.5.6
        refusal.headers = (("Allow", ", ".join(sorted(error.valid_methods))),)  # type: ignore[attr-defined] # 405 alone has it
    return refusal


def answer(refusal: Refusal) -> AnyResponse:
    """A page for a person; for the path of a machine endpoint, what that endpoint would say."""
    if isinstance(refusal, GoElsewhere):
        return redirect(refusal.location, 303)
    told = _machine_answer()
    if told is None:
        return errors.show(refusal)
    spoken = told(refusal)
    return Response(spoken.body, spoken.status, list(spoken.headers))


def _machine_answer() -> Callable[[Refusal], Any] | None:
    """How a machine endpoint of this path refuses, or its neighbour; null: people come here.

    Neighbours share the first part of the path: a program that mistypes it reads no page.
    """
    near: Callable[[Refusal], Any] | None = None
    first = request.path.split("/")[1]
    for (_method, path), door in current_app.extensions.get("motlan.doors", {}).items():
        told: Callable[[Refusal], Any] = door.refusals
        if path == request.path:
            return told
        if path.split("/")[1] == first:
            near = told
    return near


class GoElsewhere(Refusal):
    """Not here: a guard sends the person to another page first, such as `/sign-in`."""

    status, slug = 303, "sign-in-needed"
    title = "Sign in first"

    def __init__(self, location: str) -> None:
        super().__init__("sign in first", note="sent to sign in")
        self.location = location
