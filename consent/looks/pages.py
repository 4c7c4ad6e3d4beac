"""Pages about looks, for security officers: the entries, the search by person, objections."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.looks import objections
from consent.looks.review import OwnEntries
from consent.objections.answer import AnsweredBefore, NoAnswer
from consent.objections.object import NoSuchObjection
from identity import browser, language
from identity.errors import Refusal
from identity.guards import enter
from identity.staff.guard import security_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("looks", __name__, template_folder="../templates")


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


@pages.errorhandler(Refusal)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    refusal.sentence = refusal.sentence or _sentences().get(refusal.slug, "")
    return language.answer(refusal)


def _sentences() -> Mapping[str, str]:
    return {
        NoSuchObjection.slug: _("Không có phản đối nào mang số này. Kiểm tra lại số."),
        OwnEntries.slug: _("Không ai được xem các mục nhật ký về chính mình. Hãy nhờ cán bộ khác."),
    }
