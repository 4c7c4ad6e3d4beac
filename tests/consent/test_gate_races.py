"""A release races what ends it: the head row's lock decides, on both databases (design §4)."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from consent.attributes import values
from identity import trail
from identity.database import transaction
from identity.entry import Who
from identity.granted import grants
from identity.tokens import refresh
from identity.tokens.families import Asker
from tests.exchange import ask, decision, entries, fill_register, give, told
from tests.offices import a_decision, an_office
from tests.people import lan
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")

ROUNDS = 5


def _withdraw(given):
    """As the ledger does: the heads are held first, the entry is written after."""
    with transaction():
        grants.drop_decision(given.person.citizen_id, given.decision_id)
        trail.record("decision:withdrawn", Who(given.person.citizen_id), subject={})


def _at_once(*acts):
    """All acts begin together, each in a thread of its own."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def test_no_look_stands_in_the_log_after_the_withdrawal(app):
    """security-cases.md §7, case 47; the long run is a drill."""
    service = a_service()
    for _ in range(ROUNDS):
        given = give(lan(), service, decision("full_name", "personal_number"))

        looks = [lambda given=given: ask(app.test_client(), given).status_code] * 3
        _at_once(*looks, lambda given=given: _withdraw(given))

        types = [entry.type for entry in entries(given.person.citizen_id)]
        withdrawn_at = types.index("decision:withdrawn")
        assert "attributes:released" not in types[withdrawn_at:]
        assert ask(app.test_client(), given).status_code == 403


def test_a_look_that_meets_a_withdrawal_waits_for_it_and_gets_nothing(app):
    """Without the lock it would read the grant as it was, and stand after the withdrawal."""
    given = give(lan(), a_service(), decision("full_name"))
    is_held, may_end = threading.Event(), threading.Event()

    def withdraw():
        with transaction():
            grants.drop_decision(given.person.citizen_id, given.decision_id)
            is_held.set()
            may_end.wait(timeout=30)

    with ThreadPoolExecutor(2) as threads:
        withdrawal = threads.submit(withdraw)
        is_held.wait(timeout=30)
        look = threads.submit(lambda: ask(app.test_client(), given).status_code)
        has_waited = not wait([look], timeout=0.2).done
        may_end.set()
        withdrawal.result()

    assert has_waited
    assert look.result() == 403


@pytest.mark.parametrize("how", ["code", "refresh_token"])
def test_tokens_that_meet_a_withdrawal_do_not_carry_what_it_ended(app, how):
    """Who has waited for the head looks again, though another grant is at the version it found."""
    office, person = an_office(app.test_client()), lan()
    stays, goes, gone = a_decision(), a_decision(), a_decision()
    office.sign_in(person, decisions=(a_decision(), gone))
    with transaction():
        grants.drop_decision(person.citizen_id, gone.decision_id)
    code = office.authorize(person, decisions=(stays, goes))
    token = None if how == "code" else office.redeem(code).json["refresh_token"]
    is_held, may_end = threading.Event(), threading.Event()

    def withdraw():
        with transaction():
            grants.drop_decision(person.citizen_id, goes.decision_id)
            is_held.set()
            may_end.wait(timeout=30)

    with ThreadPoolExecutor(2) as threads:
        withdrawal = threads.submit(withdraw)
        is_held.wait(timeout=30)
        buying = threads.submit(lambda: office.refresh(token) if token else office.redeem(code))
        has_waited = not wait([buying], timeout=0.2).done
        may_end.set()
        withdrawal.result()

    assert has_waited
    told = buying.result().json["authorization_details"]
    assert [one["decision_id"] for one in told] == [str(stays.decision_id)]


def test_a_refresh_that_meets_another_gets_the_same_successor(app):
    """RFC 9700 §4.14.2: without a second look at the token, each would make one of its own."""
    office = an_office(app.test_client())
    token = office.sign_in(lan())["refresh_token"]

    with ThreadPoolExecutor(1) as threads, transaction():
        first = refresh.refresh(token, Asker(office.service, "r")).refresh_token
        meeting = threads.submit(lambda: office.refresh(token).json["refresh_token"])
        has_waited = not wait([meeting], timeout=0.2).done

    assert has_waited
    assert meeting.result() == first


def test_the_last_use_of_a_budget_is_had_by_one(app):
    given = give(lan(), a_service(), decision("full_name", uses_left=1))

    answers = _at_once(*[lambda: ask(app.test_client(), given).status_code] * 6)

    assert sorted(answers) == [200, 403, 403, 403, 403, 403]
    released = [e for e in entries(given.person.citizen_id) if e.type == "attributes:released"]
    assert len(released) == 1


def test_a_value_that_changes_meanwhile_leaves_whole_or_not(app):
    """Whatever leaves, the entry names it, and it is one of the two values that stood."""
    person = lan()
    fill_register("residence", told(person, "household_size", 3))
    given = give(person, a_service(), decision("household_size", "current_address"))

    def tell():
        with transaction():
            values.declare(person.citizen_id, {"current_address": values_place("Nhà mới")})

    answers = _at_once(*[lambda: ask(app.test_client(), given)] * 3, tell)[:-1]

    for answer in answers:
        written = next(
            e for e in entries(person.citizen_id) if str(e.id) == answer.json["entry"]["id"]
        )
        assert sorted(written.subject["attributes"]) == sorted(answer.json["values"])


def values_place(text):
    return {"text": text, "code": None, "valid_from": None}
