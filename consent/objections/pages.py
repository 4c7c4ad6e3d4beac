"""Pages of objections: citizens raise and follow them, security officers answer them."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.ledger import answer as asked
from consent.ledger import withdraw
from consent.ledger.pages import find_waiting
from consent.looks.review import OwnEntries
from consent.objections import object as objections
from consent.objections import records, review
from consent.objections.object import OBJECTION, About, NoSuchObjection
from consent.procedures.catalogue import Basis, procedures
from consent.replies import extend
from consent.replies.pages import Desk
from consent.replies.reply import MOST
from identity import browser, clock, database, language, presentation
from identity.authentication.guard import citizen
from identity.authentication.sessions import CitizenSession
from identity.errors import Refusal
from identity.guards import enter
from identity.public_services import registered
from identity.staff.guard import security_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("objections", __name__, template_folder="../templates")
desk = Blueprint("objections_desk", __name__, template_folder="../templates")


@pages.route("/consent/<uuid:request_id>/object", methods=["GET", "POST"])
@enter(citizen)
def object_to_request(session: CitizenSession, request_id: uuid.UUID) -> AnyResponse:
    """An objection to what is asked; the request goes on as it was."""
    waiting = find_waiting(request_id)
    items = asked.items(waiting.details, waiting.scopes)
    about = next((item for item in items if item.basis is Basis.LAW), items[0])
    against = _about(waiting.public_service.id, procedure=about.code, case=about.case)
    return _objection(session, against, back=f"/consent/{request_id}", came=f"request={request_id}")


@pages.route("/my/consents/<uuid:decision_id>/object", methods=["GET", "POST"])
@enter(citizen)
def object_to_decision(session: CitizenSession, decision_id: uuid.UUID) -> AnyResponse:
    """An objection to a reuse that stands already."""
    found = withdraw.standing(decision_id, of=session.citizen_id)
    against = _about(found.public_service_id, procedure=found.procedure, case=found.case)
    back = f"/my/consents/{decision_id}"
    return _objection(session, against, back=back, came=f"decision={decision_id}")


@pages.get("/my/objections/<uuid:objection_id>")
@enter(citizen)
def objection(session: CitizenSession, objection_id: uuid.UUID) -> str:
    """One objection: its number, what was written, and the answer once there is one."""
    row = records.find(objection_id, of=session.citizen_id)
    if row is None:
        raise NoSuchObjection("go to /my")
    return render_template(
        "objections/objection.html",
        one=row,
        **_facts(_about(row.public_service_id, procedure=row.procedure, case=row.case)),
        reason=OBJECTION.words_of(row),
        answer=OBJECTION.answer_to(row),
        due=extend.due(OBJECTION, row),
        extension=extend.extension(row),
        back=_back(),
    )


@desk.get("/audit/objections")
@enter(security_officer)
def clocks(officer: StaffMember) -> str:
    """Which objections wait, by when each is to be answered, and which are overdue."""
    told = review.clocks(officer, after=request.args.get("after"), request_id=language.request_id())
    return render_template("objections/waiting.html", officer=officer, told=told)


@desk.get("/audit/objections/<number>")
@enter(security_officer)
def read(officer: StaffMember, number: str) -> AnyResponse:
    """What a person objects to, and the answer or the field for it; the look is an entry."""
    return _answer_page(officer, number)


@desk.post("/audit/objections/<number>")
@enter(security_officer)
def answer(officer: StaffMember, number: str) -> AnyResponse:
    """The person can read the answer; a second one is not taken."""
    too_late = _("Phản đối này đã được trả lời trước đó. Xem câu trả lời đã gửi.")
    return _DESK.take_answer(officer, number, too_late=too_late)


@desk.post("/audit/objections/<number>/extension")
@enter(security_officer)
def extend_term(officer: StaffMember, number: str) -> AnyResponse:
    """The answer is due later, once; the person reads until when and why."""
    return _DESK.take_extension(officer, number)


@pages.errorhandler(withdraw.NoSuchDecision)
@pages.errorhandler(NoSuchObjection)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    is_objection = isinstance(refusal, NoSuchObjection)
    refusal.sentence = (
        _("Không có phản đối này. Mở lại từ trang của tôi.")
        if is_objection
        else _("Không có quyết định này. Mở lại từ danh sách.")
    )
    return language.answer(refusal)


def _about(service_id: uuid.UUID, *, procedure: str | None, case: str | None) -> About:
    reason = browser.text("reason")
    return About(public_service_id=service_id, procedure=procedure, case=case, reason=reason)


def _facts(about: About) -> dict[str, Any]:
    return {
        "service": registered.by_id(about.public_service_id),
        "procedure": procedures().get(about.procedure or ""),
        "case": about.case,
    }


def _objection(session: CitizenSession, about: About, *, back: str, came: str) -> AnyResponse:
    if request.method == "GET":
        return _form(about, back=back, form=database.new_id())
    form = _form_id()
    try:
        raised = objections.raise_objection(
            about, by=session, form=form, request_id=language.request_id()
        )
    except objections.NoReason as refusal:
        wrong = ("reason", _("Viết lý do, không quá 2.000 ký tự."))
        return _form(about, back=back, form=form, wrong=wrong, refusal=refusal)
    except objections.TooManyObjections as refusal:
        return _form(about, back=back, form=form, wrong=("", _too_many(refusal)), refusal=refusal)
    return redirect(f"/my/objections/{raised}?{came}", 303)


def _form(
    about: About,
    *,
    back: str,
    form: uuid.UUID,
    wrong: tuple[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    page = render_template(
        "objections/object.html",
        errors=[wrong] if wrong else [],
        reason=about.reason,
        back=back,
        form=form,
        **_facts(about),
    )
    answered = make_response(page, refusal.status if refusal else 200)
    answered.headers.extend(refusal.headers if refusal else ())
    return answered


def _form_id() -> uuid.UUID:
    """Which copy of the form this is; one that lost its id is a new one."""
    try:
        return uuid.UUID(browser.field("form"))
    except ValueError:
        return database.new_id()


def _too_many(refusal: Refusal) -> str:
    wait = timedelta(seconds=int(dict(refusal.headers)["Retry-After"]))
    at = presentation.moment(clock.now() + wait, language=str(get_locale() or "vi"))
    said = _("Mỗi ngày gửi được %(n)s phản đối. Gửi tiếp được từ %(at)s.", n=MOST, at=at)
    return str(said)


def _back() -> str | None:
    """Where the person came from; an id and nothing else, so it leads nowhere else."""
    for name, page in (("request", "/consent/"), ("decision", "/my/consents/")):
        try:
            return f"{page}{uuid.UUID(request.args[name])}"
        except (KeyError, ValueError):
            continue
    return None


def _answer_page(
    officer: StaffMember,
    number: str,
    *,
    status: int = 200,
    **told: Any,  # noqa: ANN401 - a template's
) -> Response:
    found = review.look(officer, number, request_id=language.request_id())
    facts = {"errors": [], "answer": "", "reason": ""} | told
    page = render_template("objections/answer.html", officer=officer, one=found, **facts)
    return make_response(page, status)


_DESK = Desk(path="/audit/objections", kind=OBJECTION, review=review, show=_answer_page)


@desk.errorhandler(Refusal)
def refused_at_desk(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    refusal.sentence = refusal.sentence or _sentences().get(refusal.slug, "")
    return language.answer(refusal)


def _sentences() -> Mapping[str, str]:
    return {
        NoSuchObjection.slug: _("Không có phản đối nào mang số này. Kiểm tra lại số."),
        OwnEntries.slug: _("Không ai được xem các mục nhật ký về chính mình. Hãy nhờ cán bộ khác."),
    }
