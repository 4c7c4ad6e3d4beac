"""Security officers' pages of receipts: type a number, read what was decided and what proves it."""

import re

from flask import Blueprint, Response, make_response, redirect, render_template
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.looks.review import OwnEntries, holds_a_number
from consent.receipts.reconstruct import NoSuchReceipt, reconstruct
from identity import browser, language
from identity.errors import Refusal
from identity.guards import enter
from identity.staff.guard import security_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("receipts", __name__, template_folder="../templates")
# As `consent.ledger.transitions.new_number` writes them.
_NUMBER = re.compile(r"ML-[0-9]{4}-[A-Z2-7]{10}")


@pages.get("/audit/receipts")
@enter(security_officer)
def ask(officer: StaffMember) -> AnyResponse:
    """The field for a receipt's number."""
    return _form(officer)


@pages.post("/audit/receipts")
@enter(security_officer)
def find(officer: StaffMember) -> AnyResponse:
    """The number leads to its page."""
    number = browser.text("number").replace(" ", "").upper()
    if not _NUMBER.fullmatch(number):
        return _form(officer, wrong=_("Nhập số biên nhận, ví dụ ML-2026-7KQ2M4XDAB."))
    return redirect(f"/audit/receipts/{number}", 303)


@pages.get("/audit/receipts/<number>")
@enter(security_officer)
def show(officer: StaffMember, number: str) -> str:
    """Who decided what, when, on which text, and whether the log proves it."""
    told = reconstruct(
        officer, number, language=str(get_locale() or "vi"), request_id=language.request_id()
    )
    return render_template("receipts/receipt.html", officer=officer, told=told, one=told.decision)


@pages.errorhandler(NoSuchReceipt)
@pages.errorhandler(OwnEntries)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the officer's language."""
    refusal.sentence = (
        _("Không có biên nhận nào mang số này. Kiểm tra lại số trên biên nhận.")
        if isinstance(refusal, NoSuchReceipt)
        else _("Không ai được xem các mục nhật ký về chính mình. Hãy nhờ cán bộ khác.")
    )
    return language.answer(refusal)


def _form(officer: StaffMember, *, wrong: str = "") -> Response:
    errors, typed = [("number", wrong)] if wrong else [], browser.text("number")
    # A person's number that was typed here by mistake is not said again.
    number = "" if holds_a_number(typed) else typed
    page = render_template("receipts/find.html", officer=officer, errors=errors, number=number)
    return make_response(page, 400 if wrong else 200)
