"""Citizens' pages about themselves: attention, data, decisions, receipts, looks. All are GETs."""

import re
import uuid

from flask import Blueprint, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.attributes import catalogue
from consent.ledger import mine
from consent.ledger.withdraw import NoSuchDecision
from consent.my import consents, data, home, receipts, timeline
from consent.my.timeline import Wanted
from consent.procedures.catalogue import Basis
from consent.recipients import review
from identity import language, settings
from identity.authentication.guard import citizen
from identity.authentication.sessions import CitizenSession
from identity.authorization import third_party_login
from identity.errors import InvalidRequest, NotFound, Refusal
from identity.guards import enter

pages = Blueprint("my", __name__, template_folder="../templates")


@pages.get("/my")
@enter(citizen)
def show_home(session: CitizenSession) -> str:
    """What needs attention, and where to go."""
    told = home.home(session.citizen_id, language=_lang())
    return render_template("my/home.html", told=told)


@pages.get("/my/data")
@enter(citizen)
def show_data(session: CitizenSession) -> str:
    """What the state knows about one, who says so, since when, and who used it."""
    return render_template("my/data.html", told=data.data(session.citizen_id, language=_lang()))


@pages.get("/my/consents")
@enter(citizen)
def show_consents(session: CitizenSession) -> str:
    """Who may use one's data now, and who could before."""
    told = consents.consents(session.citizen_id, after=_decision("after"), language=_lang())
    return render_template("my/consents.html", told=told, start=third_party_login.address)


@pages.get("/my/consents/<uuid:decision_id>")
@enter(citizen)
def show_consent(session: CitizenSession, decision_id: uuid.UUID) -> str:
    """One decision: what it says, its text as seen, its life with every use and receipt."""
    life = consents.life(session.citizen_id, decision_id, language=_lang())
    raised = [each for each in mine.objections(session.citizen_id) if each.is_about(life.one)]
    return render_template(
        "my/consent.html",
        one=life.one,
        life=life,
        objections=raised,
        recipients=[review.due(told.created_at) for told in life.one.told],
    )


@pages.get("/my/receipts/<number>")
@enter(citizen)
def show_receipt(session: CitizenSession, number: str) -> str:
    """One receipt, to be printed or kept."""
    held = receipts.receipt(session.citizen_id, number, language=_lang())
    issuer = settings.current().issuer
    return render_template("my/receipt.html", held=held, one=held.one, issuer=issuer)


@pages.get("/my/access")
@enter(citizen)
def show_access(session: CitizenSession) -> str:
    """Who looked at one's data, day by day, as narrowed."""
    wanted = _wanted()
    told = timeline.timeline(
        session.citizen_id, before=wanted.before, language=_lang(), wanted=wanted
    )
    chosen = catalogue.attributes().get(wanted.attribute)
    return render_template(
        "my/access.html",
        told=told,
        wanted=wanted,
        attribute=chosen and chosen.label(_lang()),
        periods=timeline.PERIODS,
        narrowed=_narrowed(),
    )


@pages.errorhandler(NoSuchDecision)
@pages.errorhandler(NotFound)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    if isinstance(refusal, NoSuchDecision):
        refusal.sentence = _("Không có quyết định này. Mở lại từ danh sách.")
    else:
        refusal.sentence = _("Không có biên nhận này. Mở lại từ trang của quyết định.")
    return language.answer(refusal)


def _lang() -> str:
    return str(get_locale() or "vi")


def _wanted() -> Wanted:
    """What the address narrows the list to; what it has no words for narrows nothing."""
    args = request.args
    days = args.get("days", "")
    decision = _decision("decision")
    return Wanted(
        before=_before(),
        institution=args.get("institution", ""),
        basis=_one_of("basis", *(basis.value for basis in Basis)),
        result=_one_of("result", timeline.RELEASED, timeline.REFUSED),
        days=next((one for one in timeline.PERIODS if str(one) == days), None),
        attribute=_one_of("attribute", *catalogue.attributes()),
        decision="" if decision is None else str(decision),
    )


def _narrowed() -> dict[str, str]:
    """What the link to the next page carries on: what was understood, and nothing else."""
    wanted = _wanted()
    told = {
        "institution": wanted.institution,
        "basis": wanted.basis,
        "result": wanted.result,
        "days": "" if wanted.days is None else str(wanted.days),
        "attribute": wanted.attribute,
        "decision": wanted.decision,
    }
    return {name: value for name, value in told.items() if value}


def _one_of(name: str, *known: str) -> str:
    told = request.args.get(name, "")
    return told if told in known else ""


def _decision(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args[name])
    except (KeyError, ValueError):
        return None


def _before() -> int | None:
    told = request.args.get("before")
    if told is None:
        return None
    if re.fullmatch(r"[0-9]{1,18}", told) is None:
        refusal = InvalidRequest("before is the id of an entry")
        refusal.sentence = _("Địa chỉ trang không đúng. Mở lại từ trang đầu.")
        raise refusal
    return int(told)
