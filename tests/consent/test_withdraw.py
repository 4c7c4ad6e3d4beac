"""Withdrawal: at once, for every grant, told to the recipient (design §5)."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from consent.ledger import events, records, withdraw
from consent.ledger.records import State
from consent.ledger.transitions import DecisionOver
from consent.ledger.withdraw import AlreadyWithdrawn, BoundByLaw, NoSuchDecision
from identity import clock, database, jws, outbox
from identity.authorization import subjects
from identity.database import transaction
from identity.granted import grants
from identity.granted.gate import TokenRef
from identity.granted.records import TokenFamily
from identity.public_services import registered
from identity.signing import keys
from tests import exchange
from tests.deciding import LAW, an_asking_service, detail, signed_in, words
from tests.exchange import entries
from tests.people import form_token, minh

pytestmark = pytest.mark.usefixtures("app", "catalogues")
EVENTS = "http://127.0.0.1:{port}/events"


def decided(her, service, *attributes, **more):
    """A decision of hers, and the grant that carries it."""
    page = her.is_asked(service, detail(*(attributes or ("full_name",)), **more))
    page.allow()
    return her.decisions()[0].decision_id, uuid.UUID(page.outcome["grant_id"])


def test_a_withdrawn_decision_is_in_no_grant_and_the_last_one_ends_it(her, service):
    """Design §4, §5."""
    decision_id, grant_id = decided(her, service)
    before = grants.find_grant(her.person.citizen_id, grant_id)

    withdraw.withdraw(decision_id, by=her.session)

    after = grants.find_grant(her.person.citizen_id, grant_id)
    assert after.version == before.version + 1
    assert after.decisions == ()
    assert not after.is_active


def test_a_withdrawal_is_one_commit_of_few_statements(her, service):
    """One for the person, one for all heads, one for what hung on them; then what is told."""
    decision_id, _ = decided(her, service)

    with database.counted() as tally:
        withdraw.withdraw(decision_id, by=her.session)

    assert tally.commits == 1
    assert tally.round_trips <= (11 if database.is_postgresql() else 17)


@pytest.mark.parametrize("ended", [0, 1])
def test_of_two_decisions_that_one_ends_which_is_named(her, service, ended):
    ids = [decided(her, service, case=case)[0] for case in ("H-1", "H-2")]

    withdraw.withdraw(ids[ended], by=her.session)

    states = {row.decision_id: row.state for row in her.decisions()}
    assert states == {ids[ended]: State.WITHDRAWN, ids[1 - ended]: State.GIVEN}
    with pytest.raises(NoSuchDecision):
        withdraw.withdraw(uuid.uuid4(), by=her.session)


def test_a_decision_taken_into_a_second_grant_leaves_both(her, service):
    decision_id, first = decided(her, service)
    page = her.is_asked(service, detail("full_name"), detail("full_name", case="H-2"))
    page.allow()
    second = uuid.UUID(page.outcome["grant_id"])
    assert decision_id in {
        one.decision_id for one in grants.find_grant(her.person.citizen_id, second).decisions
    }

    withdraw.withdraw(decision_id, by=her.session)

    left = [grants.find_grant(her.person.citizen_id, one) for one in (first, second)]
    assert [len(one.decisions) for one in left] == [0, 1]
    assert [one.is_active for one in left] == [False, True]


def test_the_log_says_so_after_the_head_has_changed(her, service):
    decision_id, _ = decided(her, service)

    withdraw.withdraw(decision_id, by=her.session)

    last = entries(her.person.citizen_id)[-1]
    assert (last.type, last.subject["decision_id"]) == ("decision:withdrawn", str(decision_id))


def test_the_page_leads_there_in_two_steps_and_says_when(her, service):
    """Contract: `#withdraw`, `#confirm-withdraw`."""
    decision_id, _ = decided(her, service)
    path = f"/my/consents/{decision_id}"
    assert 'id="withdraw"' in her.client.get(path).text
    question = her.client.get(path + "/withdraw")
    assert 'id="confirm-withdraw"' in question.text

    done = her.client.post(path + "/withdraw", data={"csrf_token": form_token(question)})

    assert done.location == path
    after = her.client.get(path)
    assert "Đã rút lại lúc" in words(after)
    assert "chưa có nơi nhận" in words(after)
    assert 'id="withdraw"' not in after.text
    assert "Không có gì cần làm" in words(her.client.get("/my"))


def test_a_second_withdrawal_is_told_so(her, service):
    decision_id, _ = decided(her, service)
    question = her.client.get(f"/my/consents/{decision_id}/withdraw")
    withdraw.withdraw(decision_id, by=her.session)

    again = her.client.post(
        f"/my/consents/{decision_id}/withdraw", data={"csrf_token": form_token(question)}
    )

    assert again.status_code == 409
    assert "đã được rút lại" in words(again)
    with pytest.raises(AlreadyWithdrawn):
        withdraw.withdraw(decision_id, by=her.session)


def test_what_rests_on_the_law_is_not_withdrawn_but_objected_to(her, service):
    """Law §3."""
    decision_id, _ = decided(her, service, procedure=LAW)

    with pytest.raises(BoundByLaw) as refusal:
        withdraw.withdraw(decision_id, by=her.session)
    assert (refusal.value.status, refusal.value.code) == (409, "invalid_request")
    page = her.client.get(f"/my/consents/{decision_id}")
    assert 'id="withdraw"' not in page.text
    assert f'href="/my/consents/{decision_id}/object"' in page.text


def test_what_is_over_is_not_withdrawn(her, service):
    """Design §5: before the worker says so, too; the history then tells one end, by time."""
    decision_id, _ = decided(her, service)
    over, session = her.decisions()[0].until, her.session

    with time_machine.travel(over, tick=True), pytest.raises(DecisionOver):
        withdraw.withdraw(decision_id, by=session)

    assert her.decisions()[0].state == State.GIVEN


def test_a_refusal_cannot_be_withdrawn(her, service):
    her.is_asked(service, detail("full_name")).deny()

    with pytest.raises(DecisionOver):
        withdraw.withdraw(her.decisions()[0].decision_id, by=her.session)


def test_what_has_run_out_says_so_and_leaves_every_grant(her, service):
    """Design §5, *expired*."""
    decision_id, grant_id = decided(her, service)

    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        assert withdraw.expire() >= 1
        everything_has_run_out()

    assert her.decisions()[0].state == State.EXPIRED
    assert entries(her.person.citizen_id)[-1].type == "decision:expired"
    assert grants.find_grant(her.person.citizen_id, grant_id).decisions == ()
    with pytest.raises(DecisionOver):
        withdraw.withdraw(decision_id, by=her.session)


def test_what_has_run_out_is_not_called_withdrawn(her, service):
    """Contract "Asking for data": expired is a 403 as well, and says what to do."""
    page = her.is_asked(service, detail("full_name"))
    page.allow()
    page.redeem(service)
    grant = grants.find_grant(her.person.citizen_id, uuid.UUID(page.outcome["grant_id"]))

    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        everything_has_run_out()
        token = exchange.sign(service, ref_of(grant), grant.decisions)
        headers = {"Authorization": f"Bearer {token}"}
        answer = her.client.post("/api/attributes", json={}, headers=headers)

    assert (answer.status_code, answer.json["type"]) == (403, "urn:motlan:error:not-covered")
    assert "reached its end" in answer.json["detail"]
    assert entries(her.person.citizen_id)[-1].subject["reason"] == "expired"


def everything_has_run_out():
    """A turn is bounded, and other tests have left decisions too."""
    turns = iter(range(100))
    while withdraw.expire():
        next(turns)


def ref_of(grant):
    """Where a token of that grant would stand."""
    mine = TokenFamily.citizen_id == grant.citizen_id, TokenFamily.grant_id == grant.id
    family = database.row(select(TokenFamily.id).where(*mine))
    return TokenRef(grant.citizen_id, grant.id, grant.version, family.id)


def test_a_decision_shows_as_ended_before_the_worker_says_so(her, service):
    decision_id, _ = decided(her, service)
    client = her.client

    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        signed_in(client, her.person)
        page = client.get(f"/my/consents/{decision_id}")

    assert "Hết hạn" in words(page)
    assert 'id="withdraw"' not in page.text


def test_the_recipient_hears_of_it_by_a_signed_event(her, httpserver):
    """RFC 8417 §2.2, RFC 8935 §2."""
    httpserver.expect_request("/events", method="POST").respond_with_data("", status=202)
    service = an_asking_service(decision_events_uri=EVENTS.format(port=httpserver.port))
    decision_id, _ = decided(her, service)
    withdraw.withdraw(decision_id, by=her.session)

    outbox.deliver()

    (told,) = outbox.progress(str(decision_id))
    assert told.delivered_at is not None
    ((request, _),) = httpserver.log
    assert request.content_type == "application/secevent+jwt"
    text = request.get_data(as_text=True)
    claims = keys.read_signed(text, typ=keys.EVENT, algorithms=("ES256",))
    known = registered.find(service.client_id)
    assert claims["aud"] == service.client_id
    assert claims["sub_id"]["sub"] == subjects.find_subject(her.person.citizen_id, known.sector)
    assert claims["events"][events.EVENT]["decision_id"] == str(decision_id)
    assert her.person.national_id not in jws.from_base64url(text.split(".")[1]).decode()


def test_a_recipient_that_does_not_acknowledge_is_tried_again(her, httpserver):
    httpserver.expect_request("/events").respond_with_data("no", status=400)
    service = an_asking_service(decision_events_uri=EVENTS.format(port=httpserver.port))
    decision_id, _ = decided(her, service)
    withdraw.withdraw(decision_id, by=her.session)

    outbox.deliver()

    (told,) = outbox.progress(str(decision_id))
    assert (told.delivered_at, told.last_error) == (None, "NotAcknowledged")
    page = her.client.get(f"/my/consents/{decision_id}")
    assert "chưa có xác nhận" in words(page)
    assert "chưa xác nhận đã nhận tin rút lại" in words(her.client.get("/my"))


def told(page):
    """What a person reads on it, but for the reference."""
    return re.sub("[0-9a-f]{32}", "", words(page))


class TestAttacker:
    """Security cases 46 and 48."""

    def test_another_citizens_decision_looks_like_none(self, her, service, app):
        """Case 48."""
        decision_id, grant_id = decided(her, service)
        him = signed_in(app.test_client(), minh())
        form = {"csrf_token": form_token(him.client.get("/sign-out"))}

        for path in ("", "/withdraw", "/object"):
            theirs = him.client.get(f"/my/consents/{decision_id}{path}")
            nobodys = him.client.get(f"/my/consents/{uuid.uuid4()}{path}")
            assert (theirs.status_code, told(theirs)) == (404, told(nobodys))
        post = him.client.post(f"/my/consents/{decision_id}/withdraw", data=form)
        assert post.status_code == 404
        with pytest.raises(NoSuchDecision):
            withdraw.withdraw(decision_id, by=him.session)
        assert grants.find_grant(her.person.citizen_id, grant_id).is_active

    def test_a_token_from_before_fetches_nothing_after(self, her):
        """Case 46: at once, and the refresh token with it."""
        service = an_asking_service(grant_types=["authorization_code", "refresh_token"])
        page = her.is_asked(service, detail("full_name"))
        page.allow()
        bought = page.redeem(service)
        bearer = {"Authorization": f"Bearer {bought['access_token']}"}
        before = her.client.post("/api/attributes", json={}, headers=bearer)
        assert before.json["values"]["full_name"]["value"] == "Nguyễn Thị Lan"

        withdraw.withdraw(her.decisions()[0].decision_id, by=her.session)

        after = her.client.post("/api/attributes", json={}, headers=bearer)
        form = {"grant_type": "refresh_token", "refresh_token": bought["refresh_token"]}
        refreshed = her.client.post("/token", data=form, headers=service.basic())
        assert (after.status_code, after.json["type"]) == (403, "urn:motlan:error:not-covered")
        assert (refreshed.status_code, refreshed.json["error"]) == (400, "invalid_grant")
        assert her.client.get("/userinfo", headers=bearer).status_code == 401

    @pytest.mark.parametrize("guess", ["1", "-1", "..%2f", "00000000-0000-0000-0000-000000000000"])
    def test_a_guessed_id_finds_nothing(self, her, guess):
        assert her.client.get(f"/my/consents/{guess}").status_code == 404

    def test_a_list_is_ones_own_whatever_the_query_says(self, her, service, app):
        decided(her, service)
        him = signed_in(app.test_client(), minh())

        page = him.client.get(f"/my/consents?citizen={her.person.citizen_id}")

        assert "Cơ quan thuế" not in words(page)

    def test_a_link_withdraws_nothing(self, her, service):
        """Invariant 9: a GET writes nothing."""
        decision_id, _ = decided(her, service)

        her.client.get(f"/my/consents/{decision_id}/withdraw")
        forged = her.client.post(f"/my/consents/{decision_id}/withdraw")

        assert forged.status_code == 403
        assert her.decisions()[0].state == State.GIVEN

    def test_history_cannot_be_rewritten(self, her, service):
        """Invariant 3: the database itself refuses."""
        decision_id, _ = decided(her, service)
        mine = records.Decision.decision_id == decision_id

        with pytest.raises(DBAPIError), transaction():
            database.write(update(records.Decision).where(mine).values(attributes=["sex"]))
        assert her.decisions()[0].attributes == ["full_name"]
