"""What a decision leaves behind: history, head, entry, receipt, text (design §2, §4, §5)."""

import base64
import hashlib
import uuid
from datetime import timedelta

import jwt
import pytest

from consent.ledger import answer, records, transitions, withdraw
from consent.ledger.records import State
from identity import clock, log_keys
from identity.database import transaction
from identity.granted import grants
from tests.deciding import CONSENT, LAW, detail
from tests.exchange import CASE, PROCEDURE, entries

pytestmark = pytest.mark.usefixtures("app", "catalogues")


def grant_of(page):
    """The grant that the person's answer made."""
    return grants.find_grant(page.citizen.person.citizen_id, uuid.UUID(page.outcome["grant_id"]))


def test_a_decision_names_what_who_why_and_until(her, service):
    """Design §5, *A decision*."""
    her.is_asked(service, detail("full_name", "owns_dwelling")).allow()

    (row,) = her.decisions()
    assert (row.state, row.version, row.basis) == (State.GIVEN, 1, "request")
    assert (row.procedure, row.case) == (PROCEDURE, CASE)
    assert row.attributes == ["full_name", "owns_dwelling"]
    assert row.template == f"{PROCEDURE}@1/{answer.TEXT_VERSION}"
    assert abs(row.until - row.from_at - timedelta(days=30)) < timedelta(seconds=2)
    assert row.evidence == {
        "session": her.session.id.hex,
        "acr": her.session.acr,
        "amr": list(her.session.amr),
    }


def test_the_text_as_seen_is_kept_under_its_hash_and_has_no_value(her, service):
    """Law row 1: the exact notice and its hash."""
    her.is_asked(service, detail("full_name")).allow()

    (row,) = her.decisions()
    text = records.text(row.text_hash)
    assert hashlib.sha256(text.encode()).hexdigest() == row.text_hash
    assert "Cơ quan thuế" in text
    assert "Họ, chữ đệm và tên" in text
    assert "Nguyễn Thị Lan" not in text
    assert her.person.national_id not in text


def test_the_grant_carries_exactly_what_was_given(her, service):
    page = her.is_asked(service, detail("full_name"), scope="openid phone")
    page.allow()

    (carried,) = grant_of(page).decisions
    (given,) = [row for row in her.decisions() if row.state == State.GIVEN]
    assert (carried.decision_id, carried.attributes) == (given.decision_id, ("full_name",))
    assert page.outcome["refused"] == ["consent"]
    assert grant_of(page).scope == "openid"


def test_scopes_are_one_decision_named_by_their_claims(her, service):
    """Design §5, *Scopes*."""
    page = her.is_asked(service, scope="openid profile phone")
    page.allow()

    (carried,) = grant_of(page).decisions
    assert (carried.procedure, carried.case, carried.basis) == (None, None, "consent")
    assert carried.attributes == ("name", "birthdate", "gender", "phone_number")
    assert grant_of(page).scope == "openid phone profile"


def test_consent_is_one_choice_for_each_purpose(her, service):
    """Law row 2: no bundling."""
    page = her.is_asked(
        service,
        detail("full_name", procedure=CONSENT, case=None),
        scope="openid profile",
    )

    assert page.allow().status_code == 400
    assert her.decisions() == []
    assert page.allow(purpose=CONSENT).status_code == 303
    states = {row.procedure: row.state for row in her.decisions()}
    assert states == {CONSENT: State.GIVEN, None: State.REFUSED}


def test_a_refusal_is_a_decision_too_and_gives_nothing(her, service):
    page = her.is_asked(service, detail("full_name"))
    page.deny()

    (row,) = her.decisions()
    assert row.state == State.REFUSED
    assert page.outcome["grant_id"] is None
    assert entries(her.person.citizen_id)[-1].type == "decision:refused"


def test_no_one_can_refuse_a_notice_by_law(her, service):
    """Law §3: no fake choice; a forged refusal is none."""
    page = her.is_asked(service, detail("full_name", procedure=LAW))

    assert page.deny().status_code == 400
    assert page.allow().status_code == 303
    (row,) = her.decisions()
    assert (row.basis, row.state) == ("law", State.GIVEN)


def test_the_log_has_the_decision_by_names_only(her, service):
    """Invariant 4, design §7."""
    her.is_asked(service, detail("full_name", "personal_number")).allow()

    (row,) = her.decisions()
    written = entries(her.person.citizen_id)[-1]
    assert written.type == "decision:given"
    assert written.subject["decision_id"] == str(row.decision_id)
    assert written.subject["attributes"] == ["full_name", "personal_number"]
    assert written.subject["text"] == row.text_hash
    assert base64.b64decode(written.subject["preview"]) == row.preview_digest


def test_a_receipt_carries_the_entry_and_the_logs_promise(her, service):
    """Design §5, *A receipt*."""
    her.is_asked(service, detail("full_name")).allow()

    (row,) = her.decisions()
    receipt = records.receipts(her.person.citizen_id, row.decision_id)[1]
    key = jwt.PyJWK(dict(log_keys.log_key().jwk), "EdDSA")
    claims = jwt.decode(receipt.promise, key, algorithms=["EdDSA"])
    assert jwt.get_unverified_header(receipt.promise)["typ"] == "motlan-promise+jwt"
    assert claims["entry"] == str(receipt.entry_id)
    assert base64.b64decode(claims["body_commit"]) == receipt.body_commit
    assert receipt.entry_id == entries(her.person.citizen_id)[-1].id
    assert receipt.number.startswith("ML-")


def test_a_receipt_is_of_its_own_decision(her, service):
    """Of two decisions of one person each first version has its own."""
    her.is_asked(service, detail("full_name")).allow()
    her.is_asked(service, detail("full_name", case="HS-000002")).allow()

    told = [records.receipts(her.person.citizen_id, row.decision_id)[1] for row in her.decisions()]

    assert [one.decision_id for one in told] == [row.decision_id for row in her.decisions()]


def test_the_head_can_be_rebuilt_from_the_history(her, service):
    """Invariant 3."""
    pages = [
        her.is_asked(service, detail("full_name"), scope="openid phone"),
        her.is_asked(service, detail("full_name", case="H-2")),
        her.is_asked(service, scope="openid profile"),
    ]
    for page in pages:
        page.allow()
    last = her.decisions()[0]
    withdraw.withdraw(last.decision_id, by=her.session)

    heads = {carried for page in pages for carried in grant_of(page).decisions}
    rebuilt = {
        answer.carried(row)
        for row in records.live_for(her.person.citizen_id, last.public_service_id, at=clock.now())
    }

    assert heads
    assert heads == rebuilt


def test_two_writers_of_one_history_cannot_both_win(her, service):
    """House style §9, *DecidedMeanwhile*."""
    her.is_asked(service, detail("full_name")).allow()
    (row,) = her.decisions()
    entry = transitions.read(row)

    withdraw.withdraw(row.decision_id, by=her.session)

    late = entry.followed_by(State.WITHDRAWN, actor_id=entry.actor_id, evidence={})
    with pytest.raises(records.DecidedMeanwhile), transaction():
        transitions.append(late, acting={})
    assert len(records.history(her.person.citizen_id, row.decision_id)) == 2
