"""Citizens' pages: the decision page and withdrawal. Every one works without script."""

import base64
import binascii
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, g, make_response, redirect, render_template, request
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.ledger import answer, difference, grant, mine, records, screen, transitions, withdraw
from consent.ledger.answer import Item, Plan
from consent.ledger.grant import Answered, Choice
from consent.ledger.screen import Part, Screen
from identity import browser, language
from identity.authentication.guard import citizen
from identity.authentication.sessions import CitizenSession
from identity.errors import Refusal
from identity.guards import enter
from identity.language import GoElsewhere
from identity.requested import pending
from identity.requested.pending import Pending, RequestOver

pages = Blueprint("ledger", __name__, template_folder="../templates")
Errors = list[tuple[str, str]]  # the field's id, or "" for the whole form, and a sentence
_DURATION = re.compile(r"P([0-9]+)([YMD])")


@dataclass(frozen=True)
class Opened:
    """An authorization request that waits for this very person to decide."""

    waiting: Pending
    items: tuple[Item, ...]
    plan: Plan
    screen: Screen


@pages.get("/consent/<uuid:request_id>")
@enter(citizen)
def ask(session: CitizenSession, request_id: uuid.UUID) -> AnyResponse:
    """Who asks, for what, and the values that would be sent."""
    return _decision_page(_opened(session, request_id))


@pages.post("/consent/<uuid:request_id>")
@enter(citizen)
def decide(session: CitizenSession, request_id: uuid.UUID) -> AnyResponse:
    """What the person chose is done, if what they saw is still so."""
    opened = _opened(session, request_id)
    seen = _shown_digest()
    if not opened.screen.is_shown(seen):
        # Another window may have decided between the reading of the request and of what stands;
        # then its answer is this one's too.
        opened = _opened(session, request_id)
    if not opened.screen.is_shown(seen):
        changed = opened.screen.changed(seen) if len(seen) > screen.MAC else {}
        return _decision_page(opened, [("", _changed(changed))], status=409, changed=changed)
    choice = grant.choose(opened.screen, dict(request.form.lists()))
    if choice.problems:
        told = _told_problems(opened.screen, choice)
        return _decision_page(opened, told, sent=request.form.to_dict(flat=False), status=400)
    if not grant.decide(_answered(session, opened, choice=choice)):
        return redirect(f"/consent/{request_id}", 303)
    return redirect(f"/authorize?request={request_id}", 303)


@pages.get("/my/consents/<uuid:decision_id>/withdraw")
@enter(citizen)
def ask_withdrawal(session: CitizenSession, decision_id: uuid.UUID) -> AnyResponse:
    """What stops, and what the recipient may keep; then the button."""
    one = mine.decision(session.citizen_id, decision_id, language=_lang())
    if not one.may_be_withdrawn:
        return redirect(f"/my/consents/{decision_id}", 303)
    return make_response(render_template("my/withdraw.html", one=one))


@pages.post("/my/consents/<uuid:decision_id>/withdraw")
@enter(citizen)
def take_withdrawal(session: CitizenSession, decision_id: uuid.UUID) -> AnyResponse:
    """The decision is over; its page says since when."""
    withdraw.withdraw(decision_id, by=session, request_id=language.request_id())
    return redirect(f"/my/consents/{decision_id}", 303)


@pages.errorhandler(grant.WiderThanShown)
@pages.errorhandler(withdraw.NoSuchDecision)
@pages.errorhandler(withdraw.BoundByLaw)
@pages.errorhandler(transitions.DecisionOver)
@pages.errorhandler(records.DecidedMeanwhile)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal of the ledger in the person's language; the others have their own pages."""
    refusal.sentence = _sentences()[refusal.slug]
    return language.answer(refusal)


@pages.app_template_filter("duration")
def duration(iso: str) -> str:
    """`P2Y` as people say it; what is no such duration stays as it is."""
    found = _DURATION.fullmatch(iso)
    if found is None:
        return iso
    number = int(found[1])
    if found[2] == "Y":
        return str(ngettext("%(num)d năm", "%(num)d năm", number))
    if found[2] == "M":
        return str(ngettext("%(num)d tháng", "%(num)d tháng", number))
    return str(ngettext("%(num)d ngày", "%(num)d ngày", number))


@pages.app_template_filter("labels")
def labels(names: Iterable[str], lang: str) -> str:
    """What attributes are called, in one line."""
    return difference.labels(names, lang)


def _lang() -> str:
    return str(get_locale() or "vi")


def find_waiting(request_id: uuid.UUID) -> Pending:
    """The request that waits in this browser, with something to decide in it.

    Raises:
        RequestOver: there is none.
    """
    found = pending.find(request_id, browser.digest())
    if found is None or not answer.items(found.details, found.scopes):
        raise RequestOver("this request is over; start again at the public service")
    g.ui_locales = found.ui_locales
    if target := pending.form_target(found):
        g.form_target = target
    return found


def _opened(session: CitizenSession, request_id: uuid.UUID) -> Opened:
    """The request with what is open in it; where nothing is, `/authorize` knows the way on."""
    waiting = find_waiting(request_id)
    own = waiting.outcome and waiting.outcome.get("citizen") == session.citizen_id.hex
    items = answer.items(waiting.details, waiting.scopes)
    plan = answer.plan(
        session.citizen_id,
        waiting.public_service.id,
        asked=items,
        must_ask="consent" in waiting.wish.prompts,
    )
    if own or waiting.is_answered or not plan.open or _is_too_low(session, items):
        raise GoElsewhere(f"/authorize?request={request_id}")
    service = waiting.public_service
    shown = screen.build(
        session.citizen_id, request_id, service=service, plan=plan, language=_lang()
    )
    return Opened(waiting, items, plan, shown)


def _is_too_low(session: CitizenSession, items: tuple[Item, ...]) -> bool:
    asked = [item.procedure for item in items if item.procedure is not None]
    return any(
        session.acr < p.min_auth_level or session.account_level < p.min_account_level for p in asked
    )


def _shown_digest() -> bytes:
    try:
        return base64.urlsafe_b64decode(request.form.get("shown", ""))
    except (ValueError, binascii.Error):
        return b""


def _decision_page(
    opened: Opened,
    errors: Errors | None = None,
    *,
    sent: Mapping[str, list[str]] | None = None,
    status: int = 200,
    changed: Iterable[str] = (),
) -> Response:
    page = render_template(
        "ledger/decide.html",
        screen=opened.screen,
        service=opened.waiting.public_service,
        shown=base64.urlsafe_b64encode(opened.screen.carried).decode(),
        errors=errors or [],
        sent=sent or {},
        changed=changed,
        status=status,
    )
    return make_response(page, status)


def _answered(session: CitizenSession, opened: Opened, *, choice: Choice) -> Answered:
    return Answered(
        session=session,
        screen=opened.screen,
        plan=opened.plan,
        choice=choice,
        texts={part.index: words(opened.screen, part) for part in opened.screen.parts},
        scopes=opened.waiting.scopes,
        request_id=language.request_id(),
    )


def words(shown: Screen, part: Part) -> str:
    """The words about one decision as the page says them, without a value of anybody."""
    text = render_template("ledger/text.txt", screen=shown, service=shown.service, part=part)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _told_problems(shown: Screen, choice: Choice) -> Errors:
    sentences = {
        grant.NO_PURPOSE: _("Chọn ít nhất một mục đích, hoặc bấm Không đồng ý."),
        grant.NOT_READ: _("%(what)s: chưa đọc được. Kiểm tra lại cách viết."),
        grant.NOT_TYPED: _("%(what)s: điền vào, hoặc bỏ dấu chọn."),
    }
    labels = {name: line.label for name, line in shown.inputs.items()}
    return [
        (name, sentences[why].replace("%(what)s", labels.get(name, "")))
        for name, why in choice.problems.items()
    ]


def _changed(labels: Mapping[str, str]) -> str:
    if not labels:
        return str(_("Trang này vừa thay đổi, chưa có gì được gửi. Xem lại trước khi chọn."))
    said = _("Vừa thay đổi: %(what)s. Chưa có gì được gửi. Xem lại trước khi chọn.")
    return str(said).replace("%(what)s", "; ".join(labels.values()))


def _sentences() -> Mapping[str, str]:
    return {
        grant.WiderThanShown.slug: _("Nội dung gửi lên không khớp với trang. Mở lại trang."),
        withdraw.NoSuchDecision.slug: _("Không có quyết định này. Mở lại từ danh sách."),
        withdraw.AlreadyWithdrawn.slug: _("Quyết định này đã được rút lại. Không cần làm gì thêm."),
        withdraw.BoundByLaw.slug: _("Việc này theo luật, không rút lại được; có thể phản đối."),
        transitions.DecisionOver.slug: _("Quyết định này đã kết thúc. Xem lại trong danh sách."),
        records.DecidedMeanwhile.slug: _("Vừa có thay đổi khác. Mở lại trang để xem."),
    }
