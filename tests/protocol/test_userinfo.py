"""The userinfo endpoint: OpenID Connect Core §5.3, RFC 6750."""

import json
import uuid
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database, entry, sealing, settings
from identity.database import transaction
from identity.errors import InvalidToken
from identity.granted import approval, grants
from identity.granted.gate import TokenRef, open_ref, seal_ref
from identity.signing import keys
from identity.together import Clause
from identity.trail import AccessEntry, EntryKey
from tests.offices import a_decision, about_scopes
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def values(monkeypatch):
    """An approval that knows an e-mail address and no phone number."""

    class Known(approval.RefuseAll):
        def userinfo(self, claims):
            self.asked_for = claims
            # The clause reads the person of the statement, as the protocol says.
            text = (
                "SELECT CAST('lan@example.vn' AS text) AS email FROM citizen"
                " WHERE citizen_id = :citizen"
            )
            return (Clause("contact", text, text, returns={"email": str}),)

        def claims(self, answer, key):
            assert len(key) == 32
            return {"email": answer["contact.email"], "name": "not the register's"}

    known = Known()
    monkeypatch.setattr(approval, "_joined", known)
    return known


def released(person, kind="attributes:released"):
    """What the log says was released about a person: the opened subject parts."""
    rows = database.rows(
        select(AccessEntry, EntryKey.subject_wrapped, EntryKey.kek_id)
        .join(
            EntryKey,
            (EntryKey.citizen_id == AccessEntry.citizen_id) & (EntryKey.entry_id == AccessEntry.id),
        )
        .where(AccessEntry.citizen_id == person.citizen_id, AccessEntry.type == kind)
        .with_only_columns(
            AccessEntry.sealed_subject,
            AccessEntry.c_subject,
            EntryKey.subject_wrapped,
            EntryKey.kek_id,
        )
    )
    return [_opened(row) for row in rows]


def _opened(row):
    key = sealing.ring().unwrap(row.subject_wrapped, row.kek_id)
    sealed, commit = bytes(row.sealed_subject), bytes(row.c_subject)
    return json.loads(entry.open_part(sealed, key, commit=commit, is_subject=True))


def test_openid_alone_tells_the_sub_and_discloses_nothing(office):
    """OpenID Connect Core §5.3.2; design §7: no disclosure, no entry."""
    person = lan()
    bought = office.sign_in(person)

    answer = office.userinfo(bought["access_token"])

    assert set(answer.json) == {"sub"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert released(person) == []


def test_a_decided_profile_is_told_and_stands_in_the_log_by_name(office):
    """Design §5; invariant 1: log or no data."""
    person, decision = lan(), about_scopes("name", "birthdate", "gender")
    bought = office.sign_in(person, scope="openid profile", decisions=(decision,))

    said = office.userinfo(bought["access_token"]).json

    assert said == {
        "sub": said["sub"],
        "name": "Nguyễn Thị Lan",
        "birthdate": "1988-04-12",
        "gender": "female",
    }
    (told,) = released(person)
    assert told["attributes"] == ["date_of_birth", "full_name", "sex"]
    assert told["decision_id"] == str(decision.decision_id)
    assert "Lan" not in json.dumps(told, ensure_ascii=False)


def test_only_the_claims_that_were_decided_are_told(office):
    """The scope profile was asked for, the name alone was given."""
    bought = office.sign_in(lan(), scope="openid profile", decisions=(about_scopes("name"),))

    assert set(office.userinfo(bought["access_token"]).json) == {"sub", "name"}


@pytest.mark.parametrize(("known", "told"), [("1988", "1988"), ("1988-04", "1988")])
def test_a_birth_date_that_is_partly_known_is_told_as_a_year(office, known, told):
    """OpenID Connect Core §5.1 knows a day or a year."""
    decisions = (about_scopes("birthdate"),)
    bought = office.sign_in(lan(date_of_birth=known), scope="openid profile", decisions=decisions)

    assert office.userinfo(bought["access_token"]).json["birthdate"] == told


def test_values_of_the_other_half_come_from_its_clauses_in_the_same_statement(office, values):
    """Design §1: identity asks through one Protocol; and what it did not ask for is not told."""
    person = lan()
    bought = office.sign_in(
        person, scope="openid email phone", decisions=(about_scopes("email", "phone_number"),)
    )

    said = office.userinfo(bought["access_token"]).json

    assert values.asked_for == {"email", "phone_number"}
    assert said == {"sub": said["sub"], "email": "lan@example.vn"}
    assert released(person)[0]["attributes"] == ["contact_email", "contact_phone"]


def test_post_with_the_token_in_the_header_or_in_the_form(office):
    """OpenID Connect Core §5.3.1, RFC 6750 §2.2."""
    token = office.sign_in(lan())["access_token"]

    in_header = office.client.post("/userinfo", headers={"Authorization": f"bearer {token}"})
    in_form = office.client.post("/userinfo", data={"access_token": token})

    assert in_header.json == in_form.json
    assert in_form.status_code == 200


def test_without_a_token_no_error_is_named(client):
    """RFC 6750 §3.1."""
    answer = client.get("/userinfo")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert "error" not in answer.headers["WWW-Authenticate"]


def test_with_an_ended_token_the_challenge_names_the_error(office):
    """RFC 6750 §3.1."""
    bought = office.sign_in(lan())
    office.post("/revoke", token=bought["refresh_token"])

    answer = office.userinfo(bought["access_token"])

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_is_over_after_five_minutes(office):
    """Design §3."""
    bought = office.sign_in(lan())

    with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1)):
        assert office.userinfo(bought["access_token"]).status_code == 401


def test_a_withdrawal_stops_the_next_call_and_the_person_sees_that_it_came(office):
    """Design §5: dead, since nothing else is left in the grant."""
    person, decision = lan(), about_scopes("name")
    bought = office.sign_in(person, scope="openid profile", decisions=(decision,))

    with transaction():
        grants.drop_decision(person.citizen_id, decision.decision_id)

    assert office.userinfo(bought["access_token"]).status_code == 401
    assert released(person) == []
    (refused,) = released(person, "attributes:refused")
    assert (refused["attributes"], refused["reason"]) == (["full_name"], "withdrawn")


def test_after_another_withdrawal_the_token_goes_on_with_what_stands(office):
    """Design §4: no row, read again, rebuild, once."""
    person, name, other = lan(), about_scopes("name"), a_decision()
    bought = office.sign_in(person, scope="openid profile", decisions=(name, other))

    with transaction():
        grants.drop_decision(person.citizen_id, other.decision_id)

    assert office.userinfo(bought["access_token"]).json["name"] == "Nguyễn Thị Lan"


def test_after_the_scopes_were_withdrawn_the_token_still_tells_its_sub(office):
    """The grant lives by its other decision; nothing is disclosed."""
    person, name, other = lan(), about_scopes("name"), a_decision()
    bought = office.sign_in(person, scope="openid profile", decisions=(name, other))

    with transaction():
        grants.drop_decision(person.citizen_id, name.decision_id)

    assert set(office.userinfo(bought["access_token"]).json) == {"sub"}
    assert released(person) == []


def test_a_decision_that_is_over_discloses_nothing(office):
    """Until when, is a condition of the statement."""
    person = lan()
    decision = about_scopes("name", until=clock.now() + timedelta(seconds=2))
    bought = office.sign_in(person, scope="openid profile", decisions=(decision,))

    with time_machine.travel(clock.now() + timedelta(seconds=3)):
        assert set(office.userinfo(bought["access_token"]).json) == {"sub"}
    assert released(person) == []


def test_a_token_without_a_person_has_no_userinfo(office):
    """RFC 6750 §3.1: insufficient_scope."""
    token = office.post("/token", grant_type="client_credentials").json["access_token"]

    answer = office.userinfo(token)

    assert (answer.status_code, answer.json["error"]) == (403, "insufficient_scope")


def test_a_reference_comes_back_as_it_was_sealed():
    """`vn_ref`: citizen, grant, version, family; and what a decision about scopes lets out."""
    ids = [uuid.uuid4() for _ in range(4)]
    key = uuid.UUID(bytes=bytes(16))
    plain = TokenRef(ids[0], ids[1], 7, ids[2], token_key=key)
    scoped = TokenRef(
        ids[0], ids[1], 2**40, ids[2], ids[3], frozenset({"name", "address"}), token_key=key
    )

    for ref in (plain, scoped):
        sealed = seal_ref(ref)
        assert open_ref(sealed, "A" * 22) == ref
        assert sealed != seal_ref(ref)


def test_what_one_ring_has_opened_another_does_not_know(monkeypatch):
    """What a reference says is remembered; not beyond the keys that opened it."""
    sealed = seal_ref(TokenRef(*[uuid.uuid4() for _ in range(2)], 1, uuid.uuid4()))
    open_ref(sealed, "A" * 22)
    others = {kind: {"other": bytes(32)} for kind in sealing.FAMILIES}

    monkeypatch.setattr(sealing, "ring", lambda: sealing.KeyRing(others))

    with pytest.raises(InvalidToken):
        open_ref(sealed, "A" * 22)


class TestAttacker:
    """Security cases 23 to 29."""

    def test_never_from_the_url(self, office):
        """RFC 6750 §5.3: it would stand in every log on the way."""
        token = office.sign_in(lan())["access_token"]

        answer = office.client.get("/userinfo", query_string={"access_token": token})

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
        assert token not in answer.text

    def test_two_tokens_in_one_request_are_refused(self, office):
        """RFC 6750 §3.1."""
        token = office.sign_in(lan())["access_token"]

        answer = office.client.post(
            "/userinfo",
            data={"access_token": token},
            headers={"Authorization": f"Bearer {token}"},
        )

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
    def test_another_kind_of_token_is_refused(self, office, kind):
        """Case 29."""
        bought = office.sign_in(lan())

        assert office.userinfo(bought[kind]).status_code == 401

    def test_a_token_for_another_audience_is_refused(self, office):
        """Case 28: no prefix and no list passes."""
        issuer = settings.current().issuer
        for audience in (issuer + "/", issuer + "/apis", [issuer, "https://else.test"]):
            claims = {
                "iss": issuer,
                "aud": audience,
                "sub": "x",
                "client_id": office.played.client_id,
                "jti": "A" * 22,
                "iat": int(clock.now().timestamp()),
                "exp": int(clock.now().timestamp()) + 60,
                "scope": "openid",
            }
            assert office.userinfo(keys.sign(claims, typ=keys.ACCESS_TOKEN)).status_code == 401

    def test_a_reference_of_another_token_cannot_be_made_up(self, office):
        """`vn_ref` is sealed: whatever else it holds is refused as the token would be."""
        issuer = settings.current().issuer
        for reference in ("", "AAAA", "x" * 200, sealing.ring().seal_token("other", bytes(56))):
            claims = {
                "iss": issuer,
                "aud": issuer,
                "sub": "x",
                "client_id": office.played.client_id,
                "jti": "A" * 22,
                "iat": int(clock.now().timestamp()),
                "exp": int(clock.now().timestamp()) + 60,
                "scope": "openid",
                "vn_ref": reference,
            }
            answer = office.userinfo(keys.sign(claims, typ=keys.ACCESS_TOKEN))
            assert answer.status_code in {401, 403}
