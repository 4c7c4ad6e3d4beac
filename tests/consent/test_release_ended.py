"""What leaves of a value whose last day is over (contract, "Asking for data")."""

from datetime import timedelta

import pytest

from consent.attributes import values
from identity import clock
from identity.database import transaction
from tests.exchange import ask, decision, entries, fill_register, give, told
from tests.people import lan
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")


@pytest.mark.parametrize(("days", "leaves"), [(0, True), (-1, False)])
def test_a_value_leaves_until_its_last_day_is_over(client, days, leaves):
    """Contract, "Asking for data": withheld as expired."""
    person = lan()
    ends = (clock.today() + timedelta(days=days)).isoformat()
    fill_register("land", told(person, "owns_dwelling", value=True, valid_to=ends))
    given = give(person, a_service(), decision("full_name", "owns_dwelling"))

    answer = ask(client, given)

    assert ("owns_dwelling" in answer.json["values"]) is leaves
    expired = {"name": "owns_dwelling", "reason": "expired"}
    assert answer.json["withheld"] == ([] if leaves else [expired])
    said = entries(person.citizen_id)[-1].subject
    assert said.get("without", []) == ([] if leaves else ["owns_dwelling"])


def test_what_the_person_told_stands_in_for_a_registers_value_that_has_ended(client):
    person = lan()
    over = (clock.today() - timedelta(days=1)).isoformat()
    old = told(person, "contact_email", value="cu@motlan.example", valid_to=over)
    fill_register("population", old)
    with transaction():
        values.declare(person.citizen_id, {"contact_email": "moi@motlan.example"})
    given = give(person, a_service(), decision("contact_email"))

    answer = ask(client, given).json

    assert answer["withheld"] == []
    assert answer["values"]["contact_email"]["value"] == "moi@motlan.example"
    assert answer["values"]["contact_email"]["register"] == "declared"
