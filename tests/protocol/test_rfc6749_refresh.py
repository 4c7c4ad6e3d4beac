"""Refresh tokens: RFC 6749 §6, RFC 9700 §4.14, OpenID Connect Core §12."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from sqlalchemy import func, select

from identity import clock, database
from identity.database import transaction
from identity.granted import grants
from identity.granted.records import GrantDecision, RefreshToken, TokenFamily
from identity.tokens import families
from identity.trail import AccessEntry
from tests.at_once import at_once
from tests.exchange import entries
from tests.offices import Office, a_decision, about_scopes, an_office
from tests.people import lan
from tests.public_services import registered_elsewhere

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office(client):
    return an_office(client, procedures=["1.004222", "1.115150"])


def said_by(token):
    return jwt.decode(token, options={"verify_signature": False})


def count_of(table, *where):
    return database.row(select(func.count()).select_from(table).where(*where))[0]


def later(**passed):
    return time_machine.travel(clock.now() + timedelta(**passed))


def test_a_refresh_token_gives_the_next_one_and_tokens_about_the_same_sign_in(office):
    """OpenID Connect Core §12.2: same iss, sub, aud and auth_time; no nonce."""
    before = office.sign_in(lan(), decisions=(a_decision(),))

    after = office.refresh(before["refresh_token"]).json

    old, new = said_by(before["id_token"]), said_by(after["id_token"])
    assert all(old[name] == new[name] for name in ("iss", "sub", "aud", "auth_time", "sid", "acr"))
    assert "nonce" not in new
    assert after["refresh_token"] != before["refresh_token"]
    assert after["access_token"] != before["access_token"]
    assert after["authorization_details"] == before["authorization_details"]


def test_the_same_token_within_the_grace_gives_the_same_successor(office):
    """Design §3: a lost answer costs nothing."""
    token = office.sign_in(lan())["refresh_token"]

    first = office.refresh(token).json
    with later(seconds=9):
        again = office.refresh(token).json

    assert again["refresh_token"] == first["refresh_token"]
    assert again["access_token"] != first["access_token"]
    assert office.refresh(first["refresh_token"]).status_code == 200


def test_sign_ins_of_one_person_are_renewed_each_by_its_own_token(office):
    """§6: at once and in the grace answer, the tokens are of the sign-in that was shown."""
    person = lan()
    told = [
        office.sign_in(person, scope=scope, decisions=(a_decision(),))
        for scope in ("openid", "openid offline_access")
    ]

    for before in told:
        first, again = (office.refresh(before["refresh_token"]).json for _ in range(2))

        sids = {said_by(one["id_token"])["sid"] for one in (before, first, again)}
        assert len(sids) == 1
        for member in ("scope", "authorization_details"):
            assert before[member] == first[member] == again[member]
        assert first["refresh_token"] == again["refresh_token"]


def test_a_successor_lives_as_long_as_its_own_family(office):
    """Design §3: an earlier sign-in of the same person ends on its own."""
    person = lan()
    office.sign_in(person)

    with later(hours=6):
        token = office.refresh(office.sign_in(person)["refresh_token"]).json["refresh_token"]
    with later(hours=13):
        assert office.refresh(token).status_code == 200


def test_a_second_use_after_the_grace_ends_the_family(office):
    """RFC 9700 §4.14.2; and the mark is in the log."""
    person = lan()
    token = office.sign_in(person)["refresh_token"]
    successor = office.refresh(token).json

    with later(seconds=11):
        replay = office.refresh(token)
        heir = office.refresh(successor["refresh_token"])

    assert (replay.status_code, replay.json["error"]) == (400, "invalid_grant")
    assert heir.json["error"] == "invalid_grant"
    assert office.userinfo(successor["access_token"]).status_code == 401
    is_mark = AccessEntry.type == "token:refused"
    assert count_of(AccessEntry, AccessEntry.citizen_id == person.citizen_id, is_mark) >= 1


def test_a_second_use_after_the_successor_was_used_ends_the_family(office):
    """Design §3: the grace shields one generation only, however short the time."""
    token = office.sign_in(lan())["refresh_token"]
    second = office.refresh(token).json["refresh_token"]
    third = office.refresh(second).json["refresh_token"]

    replay = office.refresh(token)

    assert replay.json["error"] == "invalid_grant"
    assert office.refresh(third).json["error"] == "invalid_grant"


def test_the_grace_holds_on_a_process_that_remembers_an_older_registration(office):
    """Design §3 and §4: what a process remembers may be 30 seconds old."""
    token = office.sign_in(lan())["refresh_token"]
    first = office.refresh(token).json
    registered_elsewhere(office.service)

    again = office.refresh(token).json

    assert again.get("refresh_token") == first["refresh_token"]
    assert office.refresh(first["refresh_token"]).status_code == 200


@pytest.mark.slow
def test_sixteen_parallel_uses_all_get_the_same_successor_and_one_family_lives_on(app, office):
    """Issue: what it must show."""
    person = lan()
    token = office.sign_in(person)["refresh_token"]
    offices = [Office(app.test_client(), office.played) for _ in range(16)]

    answers = at_once(lambda mine: mine.refresh(token), offices)

    assert [answer.status_code for answer in answers] == [200] * 16
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    mine = TokenFamily.citizen_id == person.citizen_id
    assert count_of(TokenFamily, mine, TokenFamily.ended_at.is_(None)) == 1
    unspent = RefreshToken.spent_at.is_(None)
    assert count_of(RefreshToken, RefreshToken.citizen_id == person.citizen_id, unspent) == 1


def test_less_scope_may_be_asked_for_and_the_rest_is_not_lost(office):
    """RFC 6749 §6."""
    decisions = (about_scopes("name", "email"),)
    bought = office.sign_in(lan(), scope="openid profile email", decisions=decisions)

    less = office.refresh(bought["refresh_token"], scope="openid email").json
    whole = office.refresh(less["refresh_token"]).json

    assert less["scope"] == "openid email"
    assert said_by(less["access_token"])["scope"] == "openid email"
    assert whole["scope"] == "openid profile email"


def test_more_scope_is_refused_and_spends_nothing(office):
    """RFC 6749 §6."""
    token = office.sign_in(lan())["refresh_token"]

    answer = office.refresh(token, scope="openid profile")

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")
    assert office.refresh(token).status_code == 200


def test_a_wish_for_more_scope_leaves_its_mark(office):
    """Design §2.5: a refusal leaves its mark where a citizen is identified."""
    person = lan()
    token = office.sign_in(person)["refresh_token"]

    office.refresh(token, scope="openid profile")

    (entry,) = [one for one in entries(person.citizen_id) if one.type == "token:refused"]
    assert entry.subject["reason"] == "refresh: more scope than was granted"


def test_a_narrower_scope_takes_the_details_along_that_hang_on_it(office):
    """RFC 6749 §6: the access token narrows, the refresh token does not."""
    by_scope = a_decision(procedure="1.115150", case=None, basis="consent")
    by_details = a_decision()
    bought = office.sign_in(
        lan(), scope="openid procedure:1.115150", decisions=(by_scope, by_details)
    )

    narrow = office.refresh(bought["refresh_token"], scope="openid").json
    wide = office.refresh(narrow["refresh_token"]).json

    named = [one["decision_id"] for one in narrow["authorization_details"]]
    assert named == [str(by_details.decision_id)]
    assert (
        said_by(narrow["access_token"])["authorization_details"]
        == (narrow["authorization_details"])
    )
    assert len(wide["authorization_details"]) == 2


def test_a_token_that_lost_its_last_details_is_for_userinfo_alone(office):
    """Contract: `aud` is the issuer + `/api` when details were granted."""
    by_scope = a_decision(procedure="1.115150", case=None, basis="consent")
    bought = office.sign_in(lan(), scope="openid procedure:1.115150", decisions=(by_scope,))

    narrow = office.refresh(bought["refresh_token"], scope="openid").json

    assert said_by(bought["access_token"])["aud"].endswith("/api")
    assert not said_by(narrow["access_token"])["aud"].endswith("/api")


def test_details_in_the_token_request_are_refused_and_spend_nothing(office):
    """RFC 9396 §6: `docs/divergences.md`."""
    token = office.sign_in(lan(), decisions=(a_decision(),))["refresh_token"]

    answer = office.refresh(token, authorization_details="[]")

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_authorization_details")
    assert office.refresh(token).status_code == 200


def test_a_family_without_offline_access_ends_with_the_longest_session(office):
    """Design §3."""
    token = office.sign_in(lan())["refresh_token"]

    with later(hours=12, seconds=1):
        assert office.refresh(token).json["error"] == "invalid_grant"


def test_the_grace_answer_is_not_given_after_the_end_of_the_family(office):
    """Design §3: neither is a lost answer worth another token then."""
    token = office.sign_in(lan())["refresh_token"]
    end = clock.now() + families.ONLINE_LIFETIME

    with time_machine.travel(end - timedelta(seconds=4)):
        assert office.refresh(token).status_code == 200
    with time_machine.travel(end + timedelta(seconds=4)):
        assert office.refresh(token).json["error"] == "invalid_grant"


def test_offline_access_ends_when_it_lies_idle(office):
    """Its absolute end is later."""
    token = office.sign_in(lan(), scope="openid offline_access")["refresh_token"]

    with later(days=29):
        token = office.refresh(token).json["refresh_token"]
    with later(days=60):
        assert office.refresh(token).json["error"] == "invalid_grant"


def test_offline_access_has_an_absolute_end_however_often_it_is_used(office):
    """The whole family ends a year after the sign-in."""
    person = lan()
    token = office.sign_in(person, scope="openid offline_access")["refresh_token"]
    family = database.row(
        select(TokenFamily.expires_at).where(TokenFamily.citizen_id == person.citizen_id)
    )
    assert (family.expires_at - clock.now()) // timedelta(days=1) in {364, 365}

    with time_machine.travel(family.expires_at - timedelta(days=1)), transaction() as running:
        running.execute(
            RefreshToken.__table__.update()
            .where(RefreshToken.citizen_id == person.citizen_id)
            .values(expires_at=family.expires_at + timedelta(days=300))
        )
    with time_machine.travel(family.expires_at - timedelta(hours=1)):
        token = office.refresh(token).json["refresh_token"]
    with time_machine.travel(family.expires_at + timedelta(seconds=1)):
        assert office.refresh(token).json["error"] == "invalid_grant"


def test_after_a_withdrawal_the_rest_of_the_grant_lives_on(office):
    """Design §5."""
    person, stays, goes = lan(), a_decision(), a_decision()
    bought = office.sign_in(person, decisions=(stays, goes))

    with transaction():
        changed = grants.drop_decision(person.citizen_id, goes.decision_id)

    told = office.refresh(bought["refresh_token"]).json["authorization_details"]
    assert [detail["decision_id"] for detail in told] == [str(stays.decision_id)]
    assert len(changed) == 1


def test_after_the_last_withdrawal_nothing_can_be_refreshed(office):
    """Case 46."""
    person, only = lan(), a_decision()
    bought = office.sign_in(person, decisions=(only,))

    with transaction():
        grants.drop_decision(person.citizen_id, only.decision_id)

    assert office.refresh(bought["refresh_token"]).json["error"] == "invalid_grant"


def test_a_live_decision_is_taken_into_another_grant_by_the_database(office):
    """Design §4: with what is left of its uses."""
    person, decision = lan(), a_decision(uses_left=3)
    office.sign_in(person, decisions=(decision,))
    head = {
        "citizen_id": person.citizen_id,
        "actor_id": person.citizen_id,
        "mandate_id": None,
        "public_service_id": office.service.id,
        "scope": "openid",
    }

    with transaction():
        taken = grants.open_grant(**head, taken=[decision.decision_id])

    copy = grants.find_grant(person.citizen_id, taken)
    assert copy.decisions == (decision,)
    with transaction():
        grants.drop_decision(person.citizen_id, decision.decision_id)
    with pytest.raises(grants.DecisionEnded), transaction():
        grants.open_grant(**head, taken=[decision.decision_id])
    assert count_of(GrantDecision, GrantDecision.citizen_id == person.citizen_id) == 0


class TestAttacker:
    """Security cases 29, 32; regressions of other providers."""

    def test_a_stolen_token_is_of_no_use_to_another_service(self, client, office):
        """RFC 6749 §10.4; and its owner is not disturbed."""
        token = office.sign_in(lan())["refresh_token"]

        theft = an_office(client).refresh(token)

        assert theft.json["error"] == "invalid_grant"
        assert office.refresh(token).status_code == 200

    def test_the_grace_answer_is_not_for_another_service(self, client, office):
        """Design §3: same client."""
        token = office.sign_in(lan())["refresh_token"]
        successor = office.refresh(token).json["refresh_token"]

        theft = an_office(client).refresh(token)

        assert theft.json["error"] == "invalid_grant"
        assert office.refresh(successor).status_code == 200

    def test_whoever_reads_the_tables_cannot_read_the_successor(self, office):
        """Digests and sealed successors only."""
        person = lan()
        token = office.sign_in(person)["refresh_token"]
        successor = office.refresh(token).json["refresh_token"]

        rows = database.rows(
            select(RefreshToken.digest, RefreshToken.successor_sealed).where(
                RefreshToken.citizen_id == person.citizen_id
            )
        )

        kept = b"".join(bytes(value) for row in rows for value in row if value)
        assert token.encode() not in kept
        assert successor.encode() not in kept

    def test_an_access_token_does_not_refresh(self, office):
        """Case 29."""
        token = office.sign_in(lan())["access_token"]

        assert office.refresh(token).json["error"] == "invalid_grant"
