"""Pages of inspectors: days with their samples, one day, one look and what is said of it."""

from datetime import date
from typing import Any

from flask import Blueprint, make_response, redirect, render_template
from flask.wrappers import Response
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.inspection import review
from consent.inspection.records import Verdict
from consent.looks.review import OwnEntries, holds_a_number
from identity import browser, clock, language
from identity.errors import InvalidRequest, Refusal
from identity.guards import enter
from identity.staff.guard import inspector
from identity.staff.sessions import StaffMember

pages = Blueprint("inspection", __name__, url_prefix="/inspection", template_folder="../templates")

_HIGHEST_ID = 2**63 - 1
_FIRST_DAY = date(2000, 1, 1)  # older than any log of ours


@pages.get("")
@enter(inspector)
def start(member: StaffMember) -> str:
    """The days that are over with their samples; who looked how often."""
    told = review.overview(member, request_id=language.request_id())
    return render_template("inspection/days.html", member=member, told=told)


@pages.get("/days/<told>")
@enter(inspector)
def show_day(member: StaffMember, told: str) -> str:
    """The sample of one day."""
    try:
        on = date.fromisoformat(told)
    except ValueError:
        raise review.NotInSample("a day is written 2026-12-31") from None
    if not _FIRST_DAY <= on <= clock.today():
        raise review.NotInSample("no log has this day")
    day, items = review.of_day(member, on, request_id=language.request_id(), language=_lang())
    return render_template("inspection/day.html", member=member, day=day, items=items)


@pages.get("/entries/<told>")
@enter(inspector)
def show(member: StaffMember, told: str) -> AnyResponse:
    """One look, and the form for what is said of it."""
    return _page(member, _number(told))


@pages.post("/entries/<told>")
@enter(inspector)
def say(member: StaffMember, told: str) -> AnyResponse:
    """It was in order, or it has to be explained."""
    number, note = _number(told), browser.text("note")
    verdict = next((each for each in Verdict if each == browser.field("verdict")), None)
    if verdict is None:
        refusal = InvalidRequest("choose one of the two", note="no button of ours")
        refusal.sentence = _("Chọn một trong hai nút trên trang. Mở lại trang rồi thử lại.")
        raise refusal
    try:
        review.review(member, number, verdict=verdict, note=note, request_id=language.request_id())
    except review.UnfitNote as unfit:
        kept = "" if holds_a_number(note) else note
        return _page(member, number, errors=[("note", _unfit())], note=kept, status=unfit.status)
    return redirect(f"/inspection/entries/{number}", 303)


@pages.errorhandler(Refusal)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    sentences = {
        OwnEntries.slug: _("Mục này là của chính người đang xem. Nhờ thanh tra viên khác."),
        review.NotInSample.slug: _("Mẫu không có mục này. Hãy mở lại danh sách ngày."),
        review.AlreadyReviewed.slug: _("Mục này đã được xem lại rồi. Mở lại trang để đọc."),
    }
    refusal.sentence = refusal.sentence or sentences.get(refusal.slug, "")
    return language.answer(refusal)


def _page(
    member: StaffMember,
    number: int,
    *,
    status: int = 200,
    **told: Any,  # noqa: ANN401 - a template's
) -> Response:
    item = review.one(member, number, request_id=language.request_id(), language=_lang())
    facts = {"errors": [], "note": ""} | told
    page = render_template("inspection/entry.html", member=member, item=item, **facts)
    return make_response(page, status)


def _number(told: str) -> int:
    is_number = told.isascii() and told.isdecimal() and len(told) < 20  # noqa: PLR2004 - digits of a 64-bit number
    if not is_number or int(told) > _HIGHEST_ID:
        raise review.NotInSample("no entry has this number")
    return int(told)


def _unfit() -> str:
    text = _(
        "Viết điều cần giải trình, không quá %(n)s ký tự, không có số định danh cá nhân.",
        n=review.LONGEST,
    )
    return str(text)


def _lang() -> str:
    return str(get_locale() or "vi")
