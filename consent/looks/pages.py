"""Pages about looks, for security officers: the entries, the search by person, objections."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.looks import objections, review
from consent.looks.health import health
from consent.looks.review import NoSuchSearch, OwnEntries, UnfitSearch, Wanted
from consent.objections.answer import AnsweredBefore, NoAnswer
from consent.objections.object import NoSuchObjection
from identity import browser, language
from identity.citizens.national_id import MalformedNationalId, NationalId
from identity.errors import InvalidRequest, Refusal
from identity.guards import enter
from identity.staff.guard import security_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("looks", __name__, template_folder="../templates")

# What a list can be narrowed to (docs/interfaces.md has them all).
KINDS = (
    "attributes:released",
    "attributes:refused",
    "decision:given",
    "decision:refused",
    "decision:withdrawn",
    "decision:expired",
    "objection:raised",
    "objection:answered",
    "complaint:raised",
    "complaint:answered",
    "sign_in:succeeded",
    "sign_in:refused",
    "token:refused",
    "service:refused",
    "service:registered",
    "staff:looked",
    "staff:added",
    "staff:enrolled",
    "staff:changed",
    "staff:reset",
    "staff:left",
    "staff:refused",
    "key:rotated",
)
_HIGHEST_ID = 2**63 - 1


@pages.get("/audit")
@enter(security_officer)
def home(_officer: StaffMember) -> AnyResponse:
    """The review begins with the entries."""
    return redirect("/audit/entries", 303)


@pages.get("/audit/entries")
@enter(security_officer)
def entries(officer: StaffMember) -> AnyResponse:
    """The newest entries, or those a search found; the look is an entry itself."""
    wanted = Wanted(search=_search(officer), kind=_kind(), before=_before())
    shown = review.look(officer, wanted, request_id=language.request_id(), language=_lang())
    waiting = objections.waiting(officer, wanted)
    return _page(officer, shown=shown, wanted=wanted, objections_waiting=waiting)


@pages.post("/audit/entries")
@enter(security_officer)
def search(officer: StaffMember) -> AnyResponse:
    """A search by person leads to an address that names nobody."""
    sent = {name: browser.text(name) for name in ("case", "reason")}
    try:
        number = NationalId.typed(browser.field("number"))
        search_id = review.search(officer, number, **sent)
    except MalformedNationalId:
        told = ("search-number", _("Số định danh cá nhân gồm đúng 12 chữ số. Nhập lại số."))
        return _page(officer, errors=[told], sent=_repeatable(sent), status=400)
    except UnfitSearch as unfit:
        told = (f"search-{unfit.member}", _unfit(unfit.member))
        return _page(officer, errors=[told], sent=_repeatable(sent), status=400)
    return redirect(f"/audit/entries?search={search_id}", 303)


@pages.get("/audit/objections")
@enter(security_officer)
def clocks(officer: StaffMember) -> str:
    """Which objections wait, by when each is to be answered, and which are overdue."""
    told = objections.clocks(
        officer, after=request.args.get("after"), request_id=language.request_id()
    )
    return render_template("objections/waiting.html", officer=officer, told=told)


@pages.get("/audit/objections/<number>")
@enter(security_officer)
def objection(officer: StaffMember, number: str) -> AnyResponse:
    """What a person objects to, and the answer or the field for it; the look is an entry."""
    return _objection_page(officer, number)


@pages.post("/audit/objections/<number>")
@enter(security_officer)
def answer(officer: StaffMember, number: str) -> AnyResponse:
    """The person can read the answer; a second one is not taken."""
    text = browser.text("answer")
    try:
        objections.answer(officer, number, text=text, request_id=language.request_id())
    except NoAnswer:
        told = ("answer", _("Viết câu trả lời, không quá 2.000 ký tự."))
        return _objection_page(officer, number, errors=[told], answer=text, status=400)
    except AnsweredBefore:
        told = ("", _("Phản đối này đã được trả lời trước đó. Xem câu trả lời đã gửi."))
        return _objection_page(officer, number, errors=[told], status=409)
    return redirect(f"/audit/objections/{number}", 303)


def _objection_page(
    officer: StaffMember,
    number: str,
    *,
    status: int = 200,
    **told: Any,  # noqa: ANN401 - a template's
) -> Response:
    found = objections.look(officer, number, request_id=language.request_id())
    facts = {"errors": [], "answer": ""} | told
    page = render_template("objections/answer.html", officer=officer, one=found, **facts)
    return make_response(page, status)


def _repeatable(sent: dict[str, str]) -> dict[str, str]:
    """What was typed, to be mended; a number that came into the wrong field is not repeated."""
    return {name: "" if review.holds_a_number(text) else text for name, text in sent.items()}


@pages.errorhandler(Refusal)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    refusal.sentence = refusal.sentence or _sentences().get(refusal.slug, "")
    return language.answer(refusal)


def _page(officer: StaffMember, *, status: int = 200, **told: Any) -> Response:  # noqa: ANN401 - a template's
    facts = {"shown": None, "wanted": Wanted(), "errors": [], "sent": {}} | told
    page = render_template(
        "audit/entries.html", officer=officer, kinds=KINDS, health=health(), **facts
    )
    return make_response(page, status)


def _lang() -> str:
    return str(get_locale() or "vi")


def _before() -> int | None:
    told = request.args.get("before")
    if told is None:
        return None
    if not (told.isascii() and told.isdecimal() and int(told) <= _HIGHEST_ID):
        refusal = InvalidRequest("before is the id of an entry")
        refusal.sentence = _("Địa chỉ trang không đúng. Mở lại từ trang đầu.")
        raise refusal
    return int(told)


def _kind() -> str | None:
    told = request.args.get("type", "")
    return told if told in KINDS else None


def _search(officer: StaffMember) -> review.Search | None:
    told = request.args.get("search")
    if told is None:
        return None
    try:
        search_id = uuid.UUID(told)
    except ValueError:
        raise NoSuchSearch("search again; this is no search") from None
    return review.find_search(officer, search_id)


def _unfit(member: str) -> str:
    if member == "case":
        return str(_("Nhập mã hồ sơ, không quá 500 ký tự và không có số định danh cá nhân."))
    return str(_("Nhập lý do, không quá 500 ký tự và không có số định danh cá nhân."))


def _sentences() -> Mapping[str, str]:
    return {
        NoSuchSearch.slug: _("Lượt tìm này không có hoặc đã hết hạn. Hãy tìm lại."),
        NoSuchObjection.slug: _("Không có phản đối nào mang số này. Kiểm tra lại số."),
        OwnEntries.slug: _("Không ai được xem các mục nhật ký về chính mình. Hãy nhờ cán bộ khác."),
    }
