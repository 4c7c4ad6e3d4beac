"""A decision that is used up or replaced says so, and gives nothing more (design §5)."""

import threading
import uuid

import pytest
from sqlalchemy import update

from consent.ledger.records import State
from identity import database
from identity.database import transaction
from identity.granted import grants
from identity.granted.records import GrantDecision
from tests.deciding import an_asking_service, detail
from tests.exchange import CASE, entries

pytestmark = pytest.mark.usefixtures("app", "catalogues")


def a_token(her, service, *attributes, **more):
    """She allows it on the page; the service redeems its code."""
    page = her.is_asked(service, detail(*attributes, **more.pop("told", {})), **more)
    assert page.allow().status_code == 303
    return page.redeem(service)


def fetch(her, bought):
    headers = {"Authorization": f"Bearer {bought['access_token']}"}
    return her.client.post("/api/attributes", json={}, headers=headers)


def decision_of(bought):
    return uuid.UUID(bought["authorization_details"][0]["decision_id"])


def states(her):
    return {row.decision_id: row.state for row in her.decisions()}


def limit(her, decision_id, uses):
    mine = GrantDecision.citizen_id == her.person.citizen_id
    with transaction():
        database.write(
            update(GrantDecision)
            .where(mine, GrantDecision.decision_id == decision_id)
            .values(uses_left=uses)
        )


def test_the_last_use_exhausts_a_decision_and_the_log_says_so(her, service):
    bought = a_token(her, service, "full_name")
    limit(her, decision_of(bought), 2)

    assert fetch(her, bought).status_code == 200
    assert states(her) == {decision_of(bought): State.GIVEN}
    assert fetch(her, bought).status_code == 200
    refused = fetch(her, bought)

    assert states(her) == {decision_of(bought): State.EXHAUSTED}
    assert refused.status_code == 403
    assert refused.json["type"] == "urn:motlan:error:not-covered"
    told = [(one.type, one.subject.get("reason")) for one in entries(her.person.citizen_id)][-2:]
    assert told == [("decision:exhausted", None), ("attributes:refused", "used_up")]


def test_of_many_at_once_only_as_many_as_allowed_and_it_is_exhausted_once(her, service):
    bought = a_token(her, service, "full_name")
    limit(her, decision_of(bought), 3)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(fetch(her, bought).status_code))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200] * 3 + [403] * 3
    types = [one.type for one in entries(her.person.citizen_id)]
    assert types.count("decision:exhausted") == 1


def test_deciding_the_same_anew_supersedes_what_was_decided(her, service):
    """A second decision beside it would let the first go on after the second was withdrawn."""
    old = a_token(her, service, "full_name", "owns_dwelling")

    new = a_token(her, service, "full_name")

    assert states(her) == {
        decision_of(old): State.SUPERSEDED,
        decision_of(new): State.GIVEN,
    }
    assert fetch(her, new).status_code == 200
    refused = fetch(her, old)
    assert refused.status_code == 403
    assert "anew" in refused.json["detail"]
    by_type = {one.type: one.subject["decision_id"] for one in entries(her.person.citizen_id)
               if one.type.startswith("decision:")}  # fmt: skip
    assert by_type["decision:superseded"] == str(decision_of(old))


def test_another_case_or_service_is_another_matter(her, service):
    first = a_token(her, service, "full_name")
    a_token(her, service, "full_name", told={"case": "H-2"})
    a_token(her, an_asking_service(), "full_name")

    assert set(states(her).values()) == {State.GIVEN}
    assert fetch(her, first).status_code == 200


def test_what_covers_the_request_is_taken_in_and_not_replaced(her, service):
    bought = a_token(her, service, "full_name")
    page = her.is_asked(service, detail("full_name"), detail("full_name", case="H-2"))
    page.allow()

    taken = grants.find_grant(her.person.citizen_id, uuid.UUID(page.outcome["grant_id"]))
    assert {one.case for one in taken.decisions} == {CASE, "H-2"}
    assert states(her)[decision_of(bought)] == State.GIVEN


def test_a_no_to_the_same_asked_again_leaves_what_was_given(her, service):
    bought = a_token(her, service, "full_name")

    her.is_asked(service, detail("full_name", "owns_dwelling")).deny()

    assert states(her)[decision_of(bought)] == State.GIVEN
    assert fetch(her, bought).status_code == 200
