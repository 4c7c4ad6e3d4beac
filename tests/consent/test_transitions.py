"""What may follow what in the life of a decision (design §5)."""

import pytest

from consent.ledger import transitions
from consent.ledger.records import State
from consent.ledger.transitions import DecisionOver

ENDS = {
    State.REFUSED,
    State.LAPSED,
    State.WITHDRAWN,
    State.EXPIRED,
    State.EXHAUSTED,
    State.SUPERSEDED,
    State.RETURNED,
}


@pytest.mark.parametrize("after", list(State))
@pytest.mark.parametrize("before", sorted(ENDS))
def test_nothing_follows_an_end(before, after):
    with pytest.raises(DecisionOver):
        transitions.require(before, after)


@pytest.mark.parametrize("after", [State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED])
def test_nothing_ends_that_was_never_decided(after):
    with pytest.raises(DecisionOver):
        transitions.require(None, after)


def test_a_given_decision_is_never_given_again():
    with pytest.raises(DecisionOver):
        transitions.require(State.GIVEN, State.GIVEN)


def test_every_state_can_be_reached_and_every_other_one_ends():
    """The table names each state of the design, and no state leads nowhere unnoticed."""
    reached = {after for follows in transitions.FOLLOWS.values() for after in follows}

    assert reached == set(State)
    assert set(State) - set(transitions.FOLLOWS) == ENDS


def test_a_person_can_end_whatever_stands():
    """Law §3: further fetching can be stopped at any time."""
    assert State.WITHDRAWN in transitions.FOLLOWS[State.GIVEN]
    transitions.require(State.GIVEN, State.WITHDRAWN)  # raises where it may not follow
