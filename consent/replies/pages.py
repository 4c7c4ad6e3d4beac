"""The forms by which an officer answers, or answers later: taken alike for each kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flask import redirect
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.replies import extend
from consent.replies.reply import Kind, NoAnswer
from identity import browser, language
from identity.staff.sessions import StaffMember


class Review(Protocol):
    """What the kind's own area does with an answer; it says who may give one."""

    def answer(self, officer: StaffMember, number: str, *, text: str, request_id: str) -> None:
        """The person can read the answer."""

    def extend_term(
        self, officer: StaffMember, number: str, *, reason: str, request_id: str
    ) -> None:
        """The answer is due later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where officers answer one kind of what citizens raise."""

    path: str  # of all of them; that of one ends in its number
    kind: Kind
    review: Review
    show: Callable[..., AnyResponse]  # the page of one again, with what is wrong: errors, status

    def take_answer(self, officer: StaffMember, number: str, *, too_late: str) -> AnyResponse:
        """The person can read the answer; of a second one the officer reads `too_late`."""
        text = browser.text("answer")
        try:
            self.review.answer(officer, number, text=text, request_id=language.request_id())
        except NoAnswer:
            told = ("answer", _("Viết câu trả lời, không quá 2.000 ký tự."))
            return self.show(officer, number, errors=[told], answer=text, status=400)
        except self.kind.answered:
            return self.show(officer, number, errors=[("", too_late)], status=409)
        return redirect(f"{self.path}/{number}", 303)

    def take_extension(self, officer: StaffMember, number: str) -> AnyResponse:
        """The answer is due later, once; the person reads until when and why."""
        reason = browser.text("reason")
        try:
            self.review.extend_term(
                officer, number, reason=reason, request_id=language.request_id()
            )
        except extend.NoExtensionReason:
            told = ("reason", _("Viết lý do gia hạn, không quá 2.000 ký tự."))
            return self.show(officer, number, errors=[told], reason=reason, status=400)
        except extend.NotExtendable:
            told = ("", _("Hạn này không gia hạn được nữa. Xem tình trạng bên dưới."))
            return self.show(officer, number, errors=[told], status=409)
        return redirect(f"{self.path}/{number}", 303)
