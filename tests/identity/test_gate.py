"""The gate, and what a grant carries (design §4): the condition of every release."""

import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from identity import clock, database
from identity.database import transaction
from identity.granted import grants
from identity.granted.gate import gate, open_ref, spend, unlimited_gate
from identity.granted.records import GrantDecision
from identity.settings import current
from identity.signing.tokens import read_access_token
from identity.together import Clause, look, together
from identity.tokens import families, refresh_records
from identity.tokens.liveness import Reason, why_not
from tests.offices import a_decision, an_office
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office(client):
    return an_office(client)


@pytest.fixture
def sign_in(office):
    """Signs a person in with these decisions: the person, and the token's reference."""

    def act(*decisions, person=None):
        person = person or lan()
        bought = office.sign_in(person, decisions=decisions)
        token = read_access_token(
            bought["access_token"], audiences=(current().issuer, current().api_audience)
        )
        return person, open_ref(token.reference, token.token_id)

    return act


def opens(ref, office, **more):
    return look(gate(ref, service=office.service, **more)) is not None


def test_a_token_that_nothing_happened_to_passes(office, sign_in):
    """Design §3."""
    decision = a_decision()
    _, ref = sign_in(decision)

    assert opens(ref, office)
    assert opens(ref, office, decision_id=decision.decision_id)


@pytest.mark.parametrize("member", ["citizen_id", "grant_id", "family_id"])
def test_every_part_of_the_reference_must_match(office, sign_in, member):
    """A wrong one finds no row."""
    _, ref = sign_in()

    assert not opens(replace(ref, **{member: uuid.uuid4()}), office)


def test_two_grants_of_one_person_lend_each_other_nothing(office, sign_in):
    """Neither a family nor a decision, whether it is used, told or looked at."""
    first, second = a_decision(), a_decision()
    person, ref = sign_in(first)
    _, other = sign_in(second, person=person)

    assert opens(ref, office, decision_id=first.decision_id)
    assert not opens(ref, office, decision_id=second.decision_id)
    assert not opens(replace(ref, family_id=other.family_id), office)
    for one, decision in ((ref, first), (other, second)):
        assert grants.find_grant(person.citizen_id, one.grant_id).decisions == (decision,)
    bought = office.sign_in(person, decisions=(a_decision(),))
    told = office.post("/introspect", token=bought["access_token"]).json
    assert told["authorization_details"] == bought["authorization_details"]


def test_another_version_of_the_grant_or_service_does_not_pass(office, sign_in):
    """Caches hold versioned rows only as long as the version is a condition."""
    _, ref = sign_in()
    stale = replace(office.service, version=office.service.version + 1)

    assert not opens(replace(ref, version=ref.version + 1), office)
    assert look(gate(ref, service=stale)) is None


def test_another_service_does_not_pass(client, sign_in):
    """The grant names whom it was given to."""
    _, ref = sign_in()

    assert not opens(ref, an_office(client))


def test_a_withdrawn_decision_does_not_pass_and_the_reason_is_known(office, sign_in):
    """Design §5: 403 at our API."""
    decision = a_decision()
    person, ref = sign_in(decision)

    with transaction():
        grants.drop_decision(person.citizen_id, decision.decision_id)

    assert not opens(ref, office)
    assert why_not(ref, decision_id=decision.decision_id) is Reason.WITHDRAWN


def test_the_reason_tells_a_moved_grant_from_an_ended_decision(office, sign_in):
    """So that the statement is rebuilt once, or refused with the right words."""
    goes, stays = a_decision(), a_decision()
    person, ref = sign_in(goes, stays)

    with transaction():
        grants.drop_decision(person.citizen_id, goes.decision_id)

    assert why_not(ref, decision_id=goes.decision_id) is Reason.NOT_CARRIED
    assert why_not(ref, decision_id=stays.decision_id) is Reason.MOVED
    fresh, grant = grants.renew(ref)
    assert opens(fresh, office, decision_id=stays.decision_id)
    assert grant.decisions == (stays,)


def test_late_and_used_up_decisions_do_not_pass(office, sign_in):
    """Until and uses are conditions of the statement."""
    late = a_decision(until=clock.now() - timedelta(seconds=1))
    used = a_decision(uses_left=0)
    _, ref = sign_in(late, used)

    for decision, reason in ((late, Reason.EXPIRED), (used, Reason.USED_UP)):
        assert not opens(ref, office, decision_id=decision.decision_id)
        assert why_not(ref, decision_id=decision.decision_id) is reason


@pytest.mark.parametrize("by", [families.REVOCATION, families.REPLAY, "sign-out"])
def test_a_family_ended_by_anything_else_is_told_apart_from_a_withdrawal(office, sign_in, by):
    """Design §5: 401."""
    person, ref = sign_in(a_decision())

    with transaction():
        ended = grants.end_families(person.citizen_id, by=by, family_id=ref.family_id)

    assert ended == 1
    assert not opens(ref, office)
    assert why_not(ref) is Reason.ENDED


def test_a_revoked_token_does_not_pass(office, sign_in):
    """Its jti is a condition too."""
    _, ref = sign_in()
    soon = clock.now() + timedelta(minutes=5)
    service = office.service
    asker = {"end_service": service.id, "end_service_version": service.version}
    together(refresh_records.revoking(ref.token_key, soon, asker=asker))

    assert not opens(ref, office)
    assert why_not(ref) is Reason.ENDED


def test_where_nothing_is_counted_only_a_decision_without_a_limit_passes(office, sign_in):
    """So that a use is never taken without being counted."""
    free, limited = a_decision(), a_decision(uses_left=2)
    _, ref = sign_in(free)
    _, other = sign_in(limited)

    def passes(whose, decision):
        gate_of = unlimited_gate(whose, service=office.service, decision_id=decision.decision_id)
        return look(gate_of) is not None

    assert passes(ref, free)
    assert opens(other, office, decision_id=limited.decision_id)
    assert not passes(other, limited)


def use_once(office, ref, decision):
    answer = together(
        gate(ref, service=office.service, decision_id=decision.decision_id),
        *spend(),
    )
    return answer is not None


def test_a_decision_without_a_budget_is_used_without_end(office, sign_in):
    """Null means no limit."""
    decision = a_decision()
    _, ref = sign_in(decision)

    assert [use_once(office, ref, decision) for _ in range(3)] == [True] * 3


@pytest.mark.slow
def test_of_sixteen_parallel_uses_only_the_budget_passes(office, sign_in):
    """Invariant 5: one conditional UPDATE."""
    decision = a_decision(uses_left=5)
    person, ref = sign_in(decision)
    ready, passed = threading.Barrier(16), []

    def use():
        ready.wait()
        passed.append(use_once(office, ref, decision))

    threads = [threading.Thread(target=use) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(passed) == 5
    left = grants.find_grant(person.citizen_id, ref.grant_id).decisions[0].uses_left
    assert left == 0


def test_nothing_is_used_up_where_another_condition_fails(office, sign_in):
    """On PostgreSQL every WITH query runs, so the spending selects from each condition."""
    decision = a_decision(uses_left=1)
    person, ref = sign_in(decision)
    no = "SELECT 1 AS no WHERE 1 = 0"

    answer = together(
        gate(ref, service=office.service, decision_id=decision.decision_id),
        Clause("never", no, no, {}, {"no": int}),
        *spend(after=("live", "never")),
    )

    assert answer is None
    assert grants.find_grant(person.citizen_id, ref.grant_id).decisions[0].uses_left == 1


def test_two_grants_that_carry_one_decision_share_its_budget(office, sign_in):
    """Taking it in again buys no further uses."""
    decision = a_decision(uses_left=2)
    person, ref = sign_in(decision)
    with transaction():
        other = grants.open_grant(
            citizen_id=person.citizen_id,
            actor_id=person.citizen_id,
            mandate_id=None,
            public_service_id=office.service.id,
            scope="openid",
            taken=[decision.decision_id],
        )

    use_once(office, ref, decision)

    for grant_id in (ref.grant_id, other):
        assert grants.find_grant(person.citizen_id, grant_id).decisions[0].uses_left == 1


def test_nothing_is_taken_in_where_another_condition_of_the_statement_fails(office, sign_in):
    """No copy without its grant."""
    decision = a_decision()
    person, _ = sign_in(decision)
    new = grants.NewGrant(
        citizen_id=person.citizen_id,
        actor_id=person.citizen_id,
        mandate_id=None,
        public_service_id=office.service.id,
        scope="openid",
    )
    no = "SELECT 1 AS no WHERE 1 = 0"

    grant_id, opening = grants.opening(new, taken=[decision.decision_id], after=("never",))
    answer = together(Clause("never", no, no, {}, {"no": int}), *opening)

    assert answer is None
    assert grants.find_grant(person.citizen_id, grant_id) is None


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_withdrawal_waits_for_the_release_that_holds_the_head(office, sign_in):
    """Design §4: whoever passed the gate commits first; whoever comes later finds no row."""
    decision = a_decision()
    person, ref = sign_in(decision)
    order = []

    def withdraw():
        with transaction():
            grants.drop_decision(person.citizen_id, decision.decision_id)
        order.append("withdrawn")

    with transaction():
        assert together(gate(ref, service=office.service)) is not None
        racer = threading.Thread(target=withdraw)
        racer.start()
        racer.join(timeout=0.3)
        order.append("released")
    racer.join()

    assert order == ["released", "withdrawn"]
    assert not opens(ref, office)


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_decision_cannot_come_back_through_a_grant_opened_meanwhile(office, sign_in):
    """No consent is resurrected: 40 races of a withdrawal against taking it in."""
    service, survivors = office.service, []
    for _ in range(40):
        decision = a_decision()
        person, _ = sign_in(decision)
        ready = threading.Barrier(2)
        new = grants.NewGrant(
            citizen_id=person.citizen_id,
            actor_id=person.citizen_id,
            mandate_id=None,
            public_service_id=service.id,
            scope="openid",
        )

        def take(new=new, decision=decision, ready=ready):
            ready.wait()
            together(*grants.opening(new, taken=[decision.decision_id])[1])

        racer = threading.Thread(target=take)
        racer.start()
        ready.wait()
        with transaction():
            grants.drop_decision(person.citizen_id, decision.decision_id)
        racer.join()
        survivors += _carrying(person, decision)

    assert survivors == []


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_withdrawal_sees_what_a_grant_has_just_taken_in(office, sign_in):
    """It waits for whoever is taking the decision in, and then finds that copy too."""
    decision = a_decision()
    person, _ = sign_in(decision)

    def withdraw():
        with transaction():
            grants.drop_decision(person.citizen_id, decision.decision_id)

    with transaction():
        grants.open_grant(
            citizen_id=person.citizen_id,
            actor_id=person.citizen_id,
            mandate_id=None,
            public_service_id=office.service.id,
            scope="openid",
            taken=[decision.decision_id],
        )
        racer = threading.Thread(target=withdraw)
        racer.start()
        racer.join(timeout=0.3)
        assert racer.is_alive()
    racer.join()

    assert _carrying(person, decision) == []


def _carrying(person, decision):
    return database.rows(
        select(GrantDecision.grant_id).where(
            GrantDecision.citizen_id == person.citizen_id,
            GrantDecision.decision_id == decision.decision_id,
        )
    )
