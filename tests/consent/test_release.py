"""`POST /api/attributes`: what leaves, what stays, and what the log says of it (design §4)."""

import base64
import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import update

from consent.attributes import records
from identity import clock, database, log_keys
from identity.database import transaction
from identity.entry import NOBODY
from identity.granted import grants
from identity.granted.gate import TokenRef
from tests.exchange import CASE, PROCEDURE, ask, decision, entries, fill_register, give, sign, told
from tests.people import lan, minh
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")


@pytest.fixture
def her():
    """Lan, with what the land register says of her."""
    person = lan()
    fill_register(
        "land",
        told(person, "owns_dwelling", value=True),
        told(person, "land_certificate_number", "DĐ 04188217", valid_from="2026-09-10"),
    )
    return person


LAND = ("full_name", "personal_number", "owns_dwelling", "land_certificate_number")


@pytest.fixture
def given(her):
    return give(her, a_service(), decision(*LAND))


def test_decided_values_leave_in_their_envelopes(client, given):
    """Contract, "Asking for data"."""
    answer = ask(client, given, procedure=PROCEDURE, attributes=list(LAND), case=CASE)

    assert answer.status_code == 200, answer.text
    body = answer.json
    assert list(body) == [
        "decision_id", "procedure", "basis", "case", "values", "withheld", "entry",
    ]  # fmt: skip
    assert body["decision_id"] == str(given.decision_id)
    assert body["values"]["land_certificate_number"] == {
        "value": "DĐ 04188217",
        "source": 1,
        "register": "land",
        "as_of": clock.today().isoformat(),
        "valid_from": "2026-09-10",
        "valid_to": None,
        "equals_paper": True,
    }
    assert body["values"]["personal_number"]["value"] == given.person.national_id
    assert body["withheld"] == []
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_the_token_leaves_no_doubt_about_may_be_left_out(client, given):
    answer = ask(client, given)

    assert sorted(answer.json["values"]) == sorted(LAND)
    assert answer.json["case"] == CASE


def test_the_entry_names_exactly_what_left_and_the_promise_is_for_it(client, given):
    """Design §2.1, §7."""
    answer = ask(client, given, attributes=["full_name", "owns_dwelling"])

    entry = entries(given.person.citizen_id)[-1]
    assert entry.type == "attributes:released"
    assert entry.subject == {
        "attributes": ["full_name", "owns_dwelling"],
        "procedure": PROCEDURE,
        "case": CASE,
        "decision_id": str(given.decision_id),
        "basis": "request",
        "result": "released",
    }
    assert entry.acting["public_service"] == given.service.client_id
    assert answer.json["entry"]["id"] == str(entry.id)
    header, payload, _ = answer.json["entry"]["promise"].split(".")
    assert _json(header) == {
        "alg": "EdDSA",
        "kid": log_keys.log_key().kid,
        "typ": "motlan-promise+jwt",
    }
    assert _json(payload).keys() == {"iss", "entry", "type", "minute", "body_commit"}
    assert _json(payload)["entry"] == str(entry.id)


def _json(part):
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def test_a_name_that_was_not_decided_stays_and_the_rest_leaves(client, given):
    answer = ask(client, given, attributes=["full_name", "marital_status"])

    assert list(answer.json["values"]) == ["full_name"]
    assert answer.json["withheld"] == [{"name": "marital_status", "reason": "not_decided"}]
    assert entries(given.person.citizen_id)[-1].subject["attributes"] == ["full_name"]


def test_what_no_register_has_is_withheld_as_missing_and_the_entry_says_so(client):
    person = lan()
    given = give(person, a_service(), decision("full_name", "owns_dwelling"))

    answer = ask(client, given)

    assert list(answer.json["values"]) == ["full_name"]
    assert answer.json["withheld"] == [{"name": "owns_dwelling", "reason": "missing"}]
    (entry,) = entries(person.citizen_id)
    assert entry.subject["attributes"] == ["full_name"]
    assert entry.subject["without"] == ["owns_dwelling"]


def test_a_disputed_value_is_withheld(client, given, her):
    with transaction():
        head = records.AttributeHead
        mine = (head.citizen_id == her.citizen_id, head.attribute == "owns_dwelling")
        database.write(update(head).where(*mine).values(is_disputed=True))

    answer = ask(client, given)

    assert answer.json["withheld"] == [{"name": "owns_dwelling", "reason": "disputed"}]
    assert sorted(answer.json["values"]) == sorted(set(LAND) - {"owns_dwelling"})


def test_a_value_beyond_its_freshness_is_marked_stale(client):
    person = lan()
    old = (clock.today() - timedelta(days=31)).isoformat()
    fill_register("land", told(person, "owns_dwelling", value=False, as_of=old))
    given = give(person, a_service(), decision("owns_dwelling"))

    sent = ask(client, given).json["values"]["owns_dwelling"]

    assert (sent["value"], sent["stale"], sent["as_of"]) == (False, True, old)


def test_a_person_a_value_is_about_finds_the_look_in_their_own_log(client):
    """Design §5: as linked person; which agency, not in whose matter."""
    wife, husband = lan(), minh()
    spouse = told(wife, "spouse_full_name", husband.full_name, about=husband.national_id)
    fill_register("civil_status", spouse)
    given = give(wife, a_service(), decision("full_name", "spouse_full_name"))

    answer = ask(client, given)

    assert answer.json["values"]["spouse_full_name"]["value"] == husband.full_name
    (about_him,) = entries(husband.citizen_id)
    assert about_him.subject == {
        "attributes": ["spouse_full_name"],
        "linked person": True,
        "result": "released",
    }
    assert about_him.acting["public_service"] == given.service.client_id
    assert "grant" not in about_him.acting
    assert entries(wife.citizen_id)[-1].subject["attributes"] == ["full_name", "spouse_full_name"]


def test_the_usual_release_is_one_statement_and_one_commit(client, given):
    """Performance: one round trip; on SQLite one transaction."""
    ask(client, given)

    with database.counted() as tally:
        answer = ask(client, given, attributes=["full_name", "owns_dwelling"])

    assert answer.status_code == 200
    assert (tally.round_trips, tally.commits) == (1, 1)


def test_where_uses_are_counted_a_release_is_built_twice(client, her):
    """The usual statement finds no row then; what stands is read, and the use is taken with it."""
    given = give(her, a_service(), decision("full_name", "owns_dwelling", uses_left=5))
    ask(client, given)
    before = len(entries(NOBODY))

    with database.counted() as tally:
        answer = ask(client, given)

    assert answer.status_code == 200
    assert (tally.round_trips, tally.commits) == (5, 2)
    assert len(entries(NOBODY)) == before  # it is about nobody else


def test_a_use_is_taken_from_the_decision_that_was_used_alone(client, her):
    once, other = (give(her, a_service(), decision("full_name", uses_left=1)) for _ in range(2))

    assert [ask(client, given).status_code for given in (once, once, other)] == [200, 403, 200]


def test_a_budget_is_used_up_to_its_end_and_not_beyond(client, her):
    given = give(her, a_service(), decision("full_name", uses_left=2))

    answers = [ask(client, given).status_code for _ in range(3)]

    assert answers == [200, 200, 403]
    refused = entries(her.citizen_id)[-1]
    assert (refused.type, refused.subject["reason"]) == ("attributes:refused", "used_up")


def test_a_release_of_nothing_uses_nothing(client):
    """A condition that is false takes nothing from the budget."""
    person = lan()
    given = give(person, a_service(), decision("full_name", "owns_dwelling", uses_left=1))

    assert ask(client, given).status_code == 200
    assert ask(client, given).status_code == 403


def test_a_decision_is_over_at_its_moment(client, her):
    given = give(her, a_service(), decision("full_name", until=clock.now() - timedelta(seconds=1)))

    answer = ask(client, given)

    assert (answer.status_code, answer.json["type"]) == (403, "urn:motlan:error:not-covered")
    assert entries(her.citizen_id)[-1].subject["reason"] == "expired"


def test_after_a_withdrawal_the_next_request_gets_403(client, given):
    """Design §5; the token itself is still in time."""
    with transaction():
        grants.drop_decision(given.person.citizen_id, given.decision_id)

    answer = ask(client, given)

    assert (answer.status_code, answer.json["type"]) == (403, "urn:motlan:error:not-covered")
    assert "WWW-Authenticate" in answer.headers
    refused = entries(given.person.citizen_id)[-1]
    assert (refused.type, refused.subject["reason"]) == ("attributes:refused", "withdrawn")


@pytest.mark.parametrize("names", [["full_name"], ["full_name", "owns_dwelling"]])
def test_another_decision_of_the_grant_survives_the_withdrawal(client, her, names):
    """The version moved; the statement is built once more and stands."""
    one, other = decision("full_name"), decision(*names, case="HS-2")
    given = give(her, a_service(), one, other)
    with transaction():
        grants.drop_decision(her.citizen_id, one.decision_id)

    assert ask(client, given, case="HS-2").status_code == 200
    assert ask(client, given, case=CASE).status_code == 403


def test_a_token_that_anything_else_ended_gets_401(client, given):
    with transaction():
        grants.end_families(given.person.citizen_id, by="sign-out", family_id=given.family_id)

    answer = ask(client, given)

    assert (answer.status_code, answer.json["type"]) == (401, "urn:motlan:error:invalid-token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_value_that_equals_the_number_leaves_only_beside_the_number(client):
    """Design §2.4: handle as personal_number."""
    person = lan()
    fill_register("tax", told(person, "tax_code", person.national_id))
    given = give(person, a_service(), decision("full_name", "tax_code"))

    answer = ask(client, given)

    assert answer.json["withheld"] == [{"name": "tax_code", "reason": "not_decided"}]
    assert person.national_id not in answer.text


class TestAttacker:
    """security-cases.md §7, cases 46 to 53 as far as they concern the release."""

    @pytest.mark.parametrize(
        "name",
        ["*", "Full_Name", "full_name ", "ｆull_name", "permanent_address.street", "", "a" * 101],
    )
    def test_49_a_name_that_is_not_the_name_is_refused(self, client, given, name):
        assert ask(client, given, attributes=["full_name", name]).status_code == 400

    def test_49_a_name_twice_is_refused(self, client, given):
        assert ask(client, given, attributes=["full_name", "full_name"]).status_code == 400

    def test_49_a_procedure_that_there_is_not_is_told(self, client, given):
        told = ask(client, given, procedure="9.999999").json
        assert (told["status"], told["type"]) == (400, "urn:motlan:error:unknown-procedure")

    def test_49_only_what_is_not_decided_is_refused_and_marked(self, client, given):
        answer = ask(client, given, attributes=["average_monthly_income"])

        assert (answer.status_code, answer.json["type"]) == (403, "urn:motlan:error:not-covered")
        refused = entries(given.person.citizen_id)[-1]
        assert refused.subject["reason"] == "not_decided"
        assert refused.subject["attributes"] == ["average_monthly_income"]

    @pytest.mark.parametrize(
        "body",
        [
            {"citizen": "somebody"},
            {"sub": "x"},
            {"attributes": "full_name"},
            {"attributes": []},
            {"attributes": [1]},
            {"attributes": None},
            {"procedure": 1},
            {"case": ["x"]},
        ],
    )
    def test_50_an_unknown_member_or_shape_is_refused(self, client, given, body):
        answer = ask(client, given, **body)

        assert (answer.status_code, answer.json["type"]) == (
            400,
            "urn:motlan:error:invalid-request",
        )

    @pytest.mark.parametrize("body", [b"[]", b"null", b"{", b'{"case":"a","case":"b"}', b"\xff"])
    def test_50_a_body_that_is_no_object_is_refused(self, client, given, body):
        answer = client.post(
            "/api/attributes",
            data=body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {given.token}"},
        )

        assert answer.status_code == 400

    def test_48_a_decision_of_somebody_else_in_a_token_of_hers_releases_nothing(
        self, client, given
    ):
        """A forged pair cannot be signed; the gate would not fall for it either."""
        other = give(minh(), a_service(), decision("full_name"))
        ref = TokenRef(given.person.citizen_id, given.grant_id, 1, given.family_id)
        mixed = sign(given.service, ref, other.carried)

        answer = client.post(
            "/api/attributes", json={}, headers={"Authorization": f"Bearer {mixed}"}
        )

        assert answer.status_code == 403

    def test_52_another_case_looks_like_no_decision_at_all(self, client, given):
        one = ask(client, given, case="HS-2026-999999")
        other = ask(client, given, procedure="3.000347")

        assert one.status_code == other.status_code == 403
        assert one.json == other.json

    def test_51_an_attribute_that_means_something_else_now_is_not_covered(self, client, her):
        """Versioned: the old decision does not cover the new meaning."""
        past = clock.now() - timedelta(days=3650)
        old_id = _id_made_at(past)
        given = give(her, a_service(), decision("full_name", "owns_dwelling", decision_id=old_id))

        answer = ask(client, given)

        assert answer.status_code == 403

    def test_no_token_and_a_forged_one_get_401(self, client, given):
        for headers in ({}, {"Authorization": f"Bearer {given.token[:-4]}AAAA"}):
            answer = client.post("/api/attributes", json={}, headers=headers)

            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def _id_made_at(at):
    new = database.new_id()
    return uuid.UUID(int=(int(at.timestamp() * 1000) << 80) | (new.int & ((1 << 80) - 1)))


class TestCases:
    """A token may carry a procedure for a case, and for none."""

    @pytest.fixture
    def both(self, her):
        return give(her, a_service(), decision("full_name"), decision("owns_dwelling", case=None))

    def test_null_names_the_decision_without_a_case(self, client, both):
        answer = ask(client, both, procedure=PROCEDURE, case=None)

        assert answer.status_code == 200, answer.text
        assert answer.json["decision_id"] == str(both.carried[1].decision_id)
        assert (answer.json["case"], list(answer.json["values"])) == (None, ["owns_dwelling"])

    def test_a_case_names_the_other_and_neither_leaves_a_doubt(self, client, both):
        answer = ask(client, both, procedure=PROCEDURE, case=CASE)
        doubtful = ask(client, both, procedure=PROCEDURE)

        assert answer.json["decision_id"] == str(both.carried[0].decision_id)
        assert doubtful.status_code == 400
        assert "null" in doubtful.json["detail"]

    def test_null_never_means_a_decision_that_has_a_case(self, client, given):
        assert ask(client, given, procedure=PROCEDURE, case=None).status_code == 403
