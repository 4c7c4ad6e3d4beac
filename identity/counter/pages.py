"""Pages of the counter: where it is; for its officers the card to compare, the letter to print."""

import uuid
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from flask.wrappers import Response
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from identity import browser, language, settings
from identity.authentication.lockout import TooManyTries
from identity.authentication.pages import Errors, answered, told
from identity.citizens.national_id import MalformedNationalId, NationalId
from identity.citizens.records import Status
from identity.counter import counters, give, look
from identity.counter.records import Card, Need
from identity.errors import InvalidRequest, Refusal
from identity.guards import anyone, enter
from identity.staff.guard import counter_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("counter", __name__, url_prefix="/counter")
help_pages = Blueprint("help", __name__)

HOME = "/counter"
NOTICE = "counter-notice"  # the cookie that says once what was just done
NOTICES = ("printed", "rejected")
GIVE, REJECT = "give", "reject"


@help_pages.get("/sign-in/help")
@enter(anyone)
def show_help() -> str:
    """What is needed to sign in, what to do without it, and where the counters are."""
    shown = counters.shown(request.args.get("province", ""))
    return render_template("counter/help.html", shown=shown)


@pages.get("")
@enter(counter_officer)
def ask_number(officer: StaffMember) -> AnyResponse:
    """Whose letter it is about, what they lost, which card they show."""
    done = request.cookies.get(browser.cookie_name(NOTICE), "")
    page = _start_page(officer, done=done if done in NOTICES else "")
    if done:
        browser.forget_cookie(page, NOTICE)
    return page


@pages.post("")
@enter(counter_officer)
def take_number(officer: StaffMember) -> AnyResponse:
    """The person is found; then the page that is held beside the card. No address names anybody."""
    number, need, card, errors = _typed()
    if number is None or need is None or card is None:
        return _start_page(officer, errors, status=400)
    try:
        found = look.look_up(
            officer, number, need=need, card=card, request_id=language.request_id()
        )
    except look.NobodyFound as refusal:
        text = _("Không có ai được đăng ký với số này. Kiểm tra số trên thẻ rồi nhập lại.")
        return _start_page(officer, [("national-id", text)], status=refusal.status)
    except TooManyTries as refusal:
        page = _start_page(officer, [told(refusal)], status=refusal.status)
        return answered(page, refusal)
    return redirect(f"{HOME}/{found}", 303)


@pages.get("/<uuid:look_id>")
@enter(counter_officer)
def compare(officer: StaffMember, look_id: uuid.UUID) -> str:
    """Name and birth date beside the card; once given, the letter to print."""
    shown = look.shown(officer, look_id)
    if shown.letter is not None:
        place = f"{settings.current().issuer}/sign-in/activate"
        return render_template("counter/letter.html", member=officer, one=shown, place=place)
    is_active = shown.status is Status.ACTIVE
    return render_template("counter/compare.html", member=officer, one=shown, is_active=is_active)


@pages.post("/<uuid:look_id>")
@enter(counter_officer)
def decide(officer: StaffMember, look_id: uuid.UUID) -> AnyResponse:
    """Person and card belong together: the letter; or they do not: nothing, and it is written."""
    chosen = browser.field("answer")
    if chosen == REJECT:
        give.reject(officer, look_id, request_id=language.request_id())
        return _done("rejected")
    if chosen != GIVE:
        refusal = InvalidRequest("choose one of the two", note="no button of ours")
        refusal.sentence = _("Chọn một trong hai nút trên trang. Mở lại trang rồi thử lại.")
        raise refusal
    give.give(officer, look_id, request_id=language.request_id())
    return redirect(f"{HOME}/{look_id}", 303)


@pages.post("/<uuid:look_id>/printed")
@enter(counter_officer)
def finish(officer: StaffMember, look_id: uuid.UUID) -> AnyResponse:
    """The letter is on paper, and its code on no page any more."""
    give.printed(officer, look_id)
    return _done("printed")


@pages.errorhandler(Refusal)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the officer's language."""
    sentences = {
        look.OwnAccount.slug: _("Không tự cấp thư cho mình. Nhờ cán bộ khác của quầy."),
        look.NoSuchLook.slug: _("Lần tra cứu này đã kết thúc. Hãy tra cứu lại từ đầu."),
        "account-not-active": _("Tài khoản này không được cấp thư. Xem lại trang tra cứu."),
        TooManyTries.slug: _("Đã cấp quá nhiều thư. Đợi rồi thử lại, hoặc báo người phụ trách."),
    }
    refusal.sentence = refusal.sentence or sentences.get(refusal.slug, "")
    return language.answer(refusal)


def _typed() -> tuple[NationalId | None, Need | None, Card | None, Errors]:
    """The form as it was sent, and everything that has to be mended."""
    errors, number = [], None
    try:
        number = NationalId.typed(browser.field("national_id"))
    except MalformedNationalId:
        text = _("Số định danh cá nhân gồm đúng 12 chữ số. Nhập lại số.")
        errors.append(("national-id", text))
    need = next((each for each in Need if each == browser.field("need")), None)
    if need is None:
        errors.append(("need", _("Chọn lý do cấp thư.")))
    card = next((each for each in Card if each == browser.field("card")), None)
    if card is None:
        errors.append(("card", _("Chọn giấy tờ đã xem.")))
    return number, need, card, errors


def _start_page(
    officer: StaffMember, errors: Errors | None = None, *, status: int = 200, done: str = ""
) -> Response:
    kept = {"need": browser.field("need"), "card": browser.field("card")}
    facts: dict[str, Any] = {"needs": list(Need), "cards": list(Card), "sent": kept, "done": done}
    page = render_template("counter/start.html", member=officer, errors=errors or [], **facts)
    return make_response(page, status)


def _done(what: str) -> AnyResponse:
    answer = redirect(HOME, 303)
    browser.set_cookie(answer, NOTICE, value=what, max_age=60)  # type: ignore[arg-type] # werkzeug's base
    return answer
