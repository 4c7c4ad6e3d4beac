"""Pages of complaints: citizens raise and follow them, security officers answer them."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.complaints import complain as complaints
from consent.complaints import mine, records, review
from consent.complaints.complain import COMPLAINT, NoSuchComplaint
from consent.ledger.mine import objections
from consent.looks.entries import Look
from consent.looks.review import OwnEntries
from consent.replies import extend
from consent.replies.pages import Desk
from consent.replies.reply import MOST
from identity import browser, clock, language, presentation
from identity.authentication.guard import citizen
from identity.authentication.sessions import CitizenSession
from identity.errors import Refusal
from identity.guards import enter
from identity.staff.guard import security_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("complaints", __name__, template_folder="../templates")


@pages.get("/my/access/<entry_id>/complaint")
@enter(citizen)
def ask(session: CitizenSession, entry_id: str) -> AnyResponse:
    """The entry and a field for what one has to say; a complaint that waits is shown instead."""
    look = mine.entry(session.citizen_id, entry_id, language=_lang())
    waiting = records.find_open(look.id, of=session.citizen_id)
    return redirect(f"/my/complaints/{waiting.id}", 303) if waiting else _form(look)


@pages.post("/my/access/<entry_id>/complaint")
@enter(citizen)
def complain(session: CitizenSession, entry_id: str) -> AnyResponse:
    """The complaint has a number and waits; a second press leads to the same one."""
    look = mine.entry(session.citizen_id, entry_id, language=_lang())
    text = browser.text("text")
    try:
        raised = complaints.complain(look, text, by=session, request_id=language.request_id())
    except complaints.LongComplaint as refusal:
        wrong = ("text", _("Viết ngắn hơn, không quá 2.000 ký tự."))
        return _form(look, text=text, wrong=wrong, refusal=refusal)
    except complaints.TooManyComplaints as refusal:
        return _form(look, text=text, wrong=("", _too_many(refusal)), refusal=refusal)
    return redirect(f"/my/complaints/{raised}", 303)


@pages.get("/my/complaints")
@enter(citizen)
def listed(session: CitizenSession) -> str:
    """What one has complained about or objected to, and what was answered."""
    return render_template(
        "complaints/mine.html",
        complaints=mine.complaints(session.citizen_id),
        objections=objections(session.citizen_id),
    )


@pages.get("/my/complaints/<uuid:complaint_id>")
@enter(citizen)
def complaint(session: CitizenSession, complaint_id: uuid.UUID) -> str:
    """One complaint: its number, the entry, what was written, when an answer is due, the answer."""
    row = mine.complaint(session.citizen_id, complaint_id)
    return render_template(
        "complaints/complaint.html",
        one=row,
        look=mine.find_entry(session.citizen_id, row.entry_id, language=_lang()),
        text=COMPLAINT.words_of(row),
        answer=COMPLAINT.answer_to(row),
        due=extend.due(COMPLAINT, row),
        extension=extend.extension(row),
    )


@pages.get("/audit/complaints")
@enter(security_officer)
def desk(officer: StaffMember) -> str:
    """The complaints that this officer may answer, and those that were answered."""
    return render_template("complaints/desk.html", officer=officer, desk=review.desk(officer))


@pages.get("/audit/complaints/<number>")
@enter(security_officer)
def read(officer: StaffMember, number: str) -> AnyResponse:
    """What a person complains about, and the answer or the field for it; the look is an entry."""
    return _answer_page(officer, number)


@pages.post("/audit/complaints/<number>")
@enter(security_officer)
def answer(officer: StaffMember, number: str) -> AnyResponse:
    """The person can read the answer; a second one is not taken."""
    too_late = _("Khiếu nại này đã được trả lời trước đó. Xem câu trả lời đã gửi.")
    return _DESK.take_answer(officer, number, too_late=too_late)


@pages.post("/audit/complaints/<number>/extension")
@enter(security_officer)
def extend_term(officer: StaffMember, number: str) -> AnyResponse:
    """The answer is due later, once; the person reads until when and why."""
    return _DESK.take_extension(officer, number)


@pages.errorhandler(Refusal)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    refusal.sentence = refusal.sentence or _sentences().get(refusal.slug, "")
    return language.answer(refusal)


def _form(
    look: Look,
    *,
    text: str = "",
    wrong: tuple[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    errors = [wrong] if wrong else []
    page = render_template("complaints/complain.html", look=look, text=text, errors=errors)
    answered = make_response(page, refusal.status if refusal else 200)
    answered.headers.extend(refusal.headers if refusal else ())
    return answered


def _answer_page(
    officer: StaffMember,
    number: str,
    *,
    status: int = 200,
    **told: Any,  # noqa: ANN401 - a template's
) -> Response:
    found = review.look(officer, number, request_id=language.request_id(), language=_lang())
    facts = {"errors": [], "answer": "", "reason": ""} | told
    page = render_template("complaints/answer.html", officer=officer, one=found, **facts)
    return make_response(page, status)


_DESK = Desk(path="/audit/complaints", kind=COMPLAINT, review=review, show=_answer_page)


def _lang() -> str:
    return str(get_locale() or "vi")


def _too_many(refusal: Refusal) -> str:
    wait = timedelta(seconds=int(dict(refusal.headers)["Retry-After"]))
    at = presentation.moment(clock.now() + wait, language=_lang())
    said = _("Mỗi ngày gửi được %(n)s khiếu nại. Gửi tiếp được từ %(at)s.", n=MOST, at=at)
    return str(said)


def _sentences() -> Mapping[str, str]:
    return {
        NoSuchComplaint.slug: _("Không có khiếu nại này. Xem lại danh sách khiếu nại."),
        mine.NoSuchEntry.slug: _("Không có mục nhật ký này. Mở lại từ trang nhật ký."),
        OwnEntries.slug: _("Không ai được xem các mục nhật ký về chính mình. Hãy nhờ cán bộ khác."),
        review.OwnLook.slug: _("Khiếu nại về đơn vị của mình. Hãy để đơn vị khác trả lời."),
    }
