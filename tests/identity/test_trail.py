"""The trail: entries stand with what they tell of, and repeats of a refusal are counted."""

from datetime import timedelta

import pytest
import time_machine

from identity import clock, trail
from identity.citizens.people import identity_clause
from identity.database import transaction
from identity.entry import Who, seal_entry
from identity.together import Clause, together
from tests.exchange import entries
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")
WRONG = {"reason": "password", "result": "refused"}
NEVER = Clause(
    "never", postgres="SELECT 1 AS one WHERE false", sqlite="SELECT 1 WHERE 0", returns={"one": int}
)
ALWAYS = Clause("always", postgres="SELECT 1 AS one", sqlite="SELECT 1", returns={"one": int})


def test_an_entry_says_what_it_was_told():
    her = lan().citizen_id

    written = trail.record("token:refused", Who(her), subject={"a": 1}, acting={"request": "r"})

    (read,) = entries(her)
    assert (read.id, read.type, read.subject) == (written.id, "token:refused", {"a": 1})
    assert read.acting.keys() == {"request", "at"}


def test_an_entry_does_not_show_its_keys():
    """Invariant 8; it is a tuple, which would show all of itself."""
    entry = seal_entry("token:refused", Who(lan().citizen_id))

    assert repr(entry) == f"Entry('token:refused', {entry.minute!r})"


def test_an_entry_goes_with_the_transaction_it_was_written_in():
    """Design §2.1: both or neither."""
    her = lan().citizen_id

    with pytest.raises(KeyError):
        _record_and_fail(her)

    assert entries(her) == []


def _record_and_fail(citizen_id):
    with transaction():
        trail.record("decision:given", Who(citizen_id))
        raise KeyError("the rest failed")


def test_no_condition_no_entry():
    her = lan().citizen_id
    entry = seal_entry("attributes:released", Who(her))

    assert together(NEVER, *trail.clauses(entry, after=("never",))) is None
    assert entries(her) == []
    assert together(ALWAYS, *trail.clauses(entry, after=("always",)))["entry.id"]
    assert len(entries(her)) == 1


def test_an_entry_shares_parameters_only_with_whom_it_is_about():
    """What the statement calls `citizen` is another person: a mistake of ours, and no entry."""
    her, him = lan().citizen_id, lan().citizen_id
    entry, same = seal_entry("attributes:released", Who(her)), (("citizen", "citizen"),)

    with pytest.raises(ValueError, match="citizen"):
        together(identity_clause(him), *trail.clauses(entry, after=("person",), same=same))
    assert together(identity_clause(her), *trail.clauses(entry, after=("person",), same=same))
    assert (len(entries(her)), len(entries(him))) == (1, 0)


def test_two_members_of_an_entry_never_share_a_parameter():
    same = (("citizen", "citizen"), ("actor", "citizen"))

    with pytest.raises(ValueError, match="parameter"):
        trail.clauses(seal_entry("x:y", Who()), same=same)


def test_numbers_of_entries_only_grow():
    first, second = trail.record("x:y", Who()), trail.record("x:y", Who())

    assert second.id > first.id


def test_the_first_refusal_of_a_minute_is_an_entry_and_the_rest_are_counted_as_one():
    """Design §2."""
    her = lan().citizen_id
    at = clock.now().replace(second=10)
    with time_machine.travel(at, tick=False):
        for number in range(5):
            trail.refuse("sign_in:refused", Who(her), subject=WRONG,
                         acting={"request": f"r-{number}"})  # fmt: skip
    assert [e.subject for e in entries(her)] == [WRONG]

    _close_minutes(at + timedelta(minutes=3))

    assert [e.subject for e in entries(her)] == [WRONG, WRONG | {"repeats": 4}]


def test_a_minute_that_runs_is_left_alone():
    her = lan().citizen_id
    at = clock.now().replace(second=10)
    with time_machine.travel(at, tick=False):
        for _ in range(2):
            trail.refuse("sign_in:refused", Who(her), subject=WRONG)
        _close_minutes(at)

    assert len(entries(her)) == 1


def test_one_refusal_alone_is_not_told_twice():
    her = lan().citizen_id
    trail.refuse("sign_in:refused", Who(her), subject=WRONG)

    _close_minutes(clock.now() + timedelta(minutes=3))

    assert len(entries(her)) == 1


@pytest.mark.parametrize("other", ["reason", "person", "minute"])
def test_another_person_reason_or_minute_is_an_entry_of_its_own(other):
    her, him = lan().citizen_id, lan().citizen_id
    at = clock.now().replace(second=10)
    with time_machine.travel(at, tick=False):
        trail.refuse("sign_in:refused", Who(her), subject=WRONG)
    later = at + timedelta(minutes=1) if other == "minute" else at
    who = him if other == "person" else her
    why = WRONG | {"reason": "code"} if other == "reason" else WRONG
    with time_machine.travel(later, tick=False):
        trail.refuse("sign_in:refused", Who(who), subject=why)

    assert len(entries(her)) + len(entries(him)) == 2


def _close_minutes(at):
    with time_machine.travel(at, tick=False):
        while trail.write_repeats():
            pass
