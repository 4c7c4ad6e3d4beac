"""Pages of the desk, for security officers: the start, the lists, single entries."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.desk import detail, home, listing, plot, saved
from consent.desk import filters as narrowing
from consent.desk.detail import NoSuchEntry
from consent.desk.filters import BASES, KINDS, NAMES, PERIODS, RESULTS
from consent.desk.listing import Wanted
from consent.desk.saved import NoSuchSavedSearch, Saved, UnfitName
from consent.looks import review
from consent.looks.review import NoSuchSearch, OwnEntries, UnfitSearch
from consent.objections import review as objections
from identity import browser, language
from identity.citizens.national_id import MalformedNationalId, NationalId
from identity.errors import InvalidRequest, Refusal
from identity.guards import enter
from identity.staff.guard import security_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("desk", __name__, template_folder="../templates")

NEWEST = 10
_HIGHEST_ID = 2**63 - 1


@pages.get("/audit")
@enter(security_officer)
def start(officer: StaffMember) -> str:
    """How the log stands, what waits, what happened; the look is an entry itself."""
    said = {"request_id": language.request_id(), "language": _lang()}
    return render_template(
        "desk/home.html",
        officer=officer,
        standing=home.standing(),
        waiting=home.waiting(officer),
        objections_waiting=objections.waiting(officer, review.Wanted())[:NEWEST],
        plot=plot.refused_sign_ins(),
        looks=listing.newest(officer, limit=NEWEST, **said),
    )


@pages.get("/audit/entries")
@enter(security_officer)
def entries(officer: StaffMember) -> AnyResponse:
    """The newest entries, or those that filters or a search found; the look is an entry itself."""
    among, kept = narrowing.choices(), saved.saved(officer)
    chosen = _saved(kept)
    read = narrowing.read(request.args if chosen is None else chosen.filters, among)
    facts: dict[str, Any] = {"among": among, "kept": kept, "chosen": chosen}
    if faults := _faults(read.faults, is_saved=chosen is not None):
        return _page(officer, errors=faults, asked=_asked(chosen), status=400, **facts)
    wanted = Wanted(
        search=_search(officer),
        filters=read.filters,
        saved=None if chosen is None else chosen.id,
        before=_number("before"),
        after=_number("after"),
    )
    shown = listing.look(
        officer, wanted, among=among, request_id=language.request_id(), language=_lang()
    )
    waiting = objections.waiting(officer, review.Wanted(search=wanted.search))
    facts |= {"asked": read.filters.asked(), "objections_waiting": waiting}
    return _page(officer, shown=shown, wanted=wanted, **facts)


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
    except UnfitSearch as unfit:
        told = (f"search-{unfit.member}", _unfit(unfit.member))
    else:
        return redirect(f"/audit/entries?search={search_id}", 303)
    facts = {"among": narrowing.choices(), "kept": saved.saved(officer)}
    return _page(officer, errors=[told], sent=_repeatable(sent), status=400, **facts)


@pages.get("/audit/entries/<number>")
@enter(security_officer)
def entry(officer: StaffMember, number: str) -> str:
    """One entry with its proof, made now; the look is an entry that the person sees."""
    if not _is_number(number):
        raise NoSuchEntry("no entry has this number")
    found = detail.look(officer, int(number), request_id=language.request_id(), language=_lang())
    return render_template("desk/entry.html", officer=officer, found=found, one=found.look)


@pages.post("/audit/searches")
@enter(security_officer)
def keep(officer: StaffMember) -> AnyResponse:
    """The filters of a list can be used again by a name."""
    among = narrowing.choices()
    read = narrowing.read({name: browser.field(name) for name in NAMES}, among)
    if read.faults:
        refusal = InvalidRequest("the filters are not those of a list")
        refusal.sentence = _("Bộ lọc không đúng. Hãy mở lại danh sách và lọc lại.")
        raise refusal
    name = browser.text("name")
    try:
        kept = saved.keep(officer, read.filters, name=name, request_id=language.request_id())
    except UnfitName as unfit:
        facts = {"among": among, "kept": saved.saved(officer), "asked": read.filters.asked()}
        told = [("saved-name", _unfit_name(is_full=unfit.is_full))]
        typed = "" if review.holds_a_number(name) else name
        return _page(officer, errors=told, sent={"name": typed}, status=400, **facts)
    return redirect(f"/audit/entries?saved={kept}", 303)


@pages.post("/audit/searches/<uuid:search_id>/remove")
@enter(security_officer)
def remove(officer: StaffMember, search_id: uuid.UUID) -> AnyResponse:
    """One's own saved search is gone."""
    saved.remove(officer, search_id, request_id=language.request_id())
    return redirect("/audit/entries", 303)


@pages.errorhandler(Refusal)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    refusal.sentence = refusal.sentence or _sentences().get(refusal.slug, "")
    return language.answer(refusal)


def _page(officer: StaffMember, *, status: int = 200, **told: Any) -> Response:  # noqa: ANN401 - a template's
    facts: dict[str, Any] = {"shown": None, "wanted": Wanted(), "errors": [], "sent": {}}
    facts |= {"asked": {}} | told
    links = _links(facts["wanted"], facts["shown"])
    page = render_template(
        "desk/entries.html",
        officer=officer,
        health=home.standing(),
        offered={"type": KINDS, "basis": BASES, "result": RESULTS, "last": PERIODS},
        named=narrowing.named(facts["among"], _lang()),
        query=urlencode(facts["asked"]),
        **links,
        **facts,
    )
    return make_response(page, status)


def _links(wanted: Wanted, shown: listing.Page | None) -> dict[str, str]:
    """Where the pages above and below are; empty where there is none."""
    if shown is None:
        return {"older": "", "newer": ""}
    base = wanted.filters.asked()
    if wanted.saved is not None:
        base = {"saved": str(wanted.saved)}
    if wanted.search is not None:
        base |= {"search": str(wanted.search.id)}
    return {
        "older": "" if shown.older is None else _address(base, before=shown.older),
        "newer": "" if shown.newer is None else _address(base, after=shown.newer),
    }


def _address(base: Mapping[str, str], **start: int) -> str:
    return f"/audit/entries?{urlencode({**start, **base})}"


def _lang() -> str:
    return str(get_locale() or "vi")


def _is_number(told: str) -> bool:
    return told.isascii() and told.isdecimal() and len(told) < 20 and int(told) <= _HIGHEST_ID  # noqa: PLR2004 - digits of a 64-bit number


def _number(name: str) -> int | None:
    told = request.args.get(name)
    if told is None:
        return None
    if not _is_number(told):
        refusal = InvalidRequest(f"{name} is the id of an entry")
        refusal.sentence = _("Địa chỉ trang không đúng. Mở lại từ trang đầu.")
        raise refusal
    return int(told)


def _saved(kept: Sequence[Saved]) -> Saved | None:
    told = request.args.get("saved")
    if told is None:
        return None
    for one in kept:
        if told == str(one.id):
            return one
    raise NoSuchSavedSearch("open the list again; this search is not kept")


def _search(officer: StaffMember) -> review.Search | None:
    told = request.args.get("search")
    if told is None:
        return None
    try:
        search_id = uuid.UUID(told)
    except ValueError:
        raise NoSuchSearch("search again; this is no search") from None
    return review.find_search(officer, search_id)


def _asked(chosen: Saved | None) -> dict[str, str]:
    """The filters as they were sent, to be mended."""
    told = request.args if chosen is None else chosen.filters
    return {name: told[name] for name in NAMES if told.get(name)}


def _faults(faults: Sequence[tuple[str, str]], *, is_saved: bool) -> list[tuple[str, str]]:
    """What to mend; a type that there is not narrows nothing, and the page says which do."""
    words = {
        "unknown": _("Không còn lựa chọn này. Chọn lại."),
        "day": _("Nhập ngày như 31/12/2026, từ năm 2000 đến 2100."),
        "order": _("Ngày cuối đứng trước ngày đầu. Nhập lại ngày."),
        "both": _("Chọn khoảng có sẵn hoặc nhập ngày, không dùng cả hai."),
    }
    return [(name, words[why]) for name, why in faults if is_saved or name != "type"]


def _repeatable(sent: dict[str, str]) -> dict[str, str]:
    """What was typed, to be mended; a number that came into the wrong field is not repeated."""
    return {name: "" if review.holds_a_number(text) else text for name, text in sent.items()}


def _unfit(member: str) -> str:
    if member == "case":
        return str(_("Nhập mã hồ sơ, không quá 500 ký tự và không có số định danh cá nhân."))
    return str(_("Nhập lý do, không quá 500 ký tự và không có số định danh cá nhân."))


def _unfit_name(*, is_full: bool) -> str:
    if is_full:
        return str(_("Đã lưu 20 bộ lọc. Xóa một bộ lọc cũ rồi lưu lại, hoặc chọn bộ lọc có sẵn."))
    return str(_("Nhập tên, không quá 60 ký tự và không có số định danh cá nhân."))


def _sentences() -> Mapping[str, str]:
    return {
        NoSuchSearch.slug: _("Lượt tìm này không có hoặc đã hết hạn. Hãy tìm lại."),
        NoSuchSavedSearch.slug: _("Không có bộ lọc đã lưu này. Hãy mở lại danh sách."),
        NoSuchEntry.slug: _("Không có mục nhật ký nào mang số này. Hãy kiểm tra lại số."),
        OwnEntries.slug: _("Không ai được xem các mục nhật ký về chính mình. Hãy nhờ cán bộ khác."),
    }
