"""What userinfo tells of attributes, and that the person's log names just that (design §2, 1)."""

from datetime import timedelta

import pytest

from consent.attributes import values
from identity import clock
from identity.database import transaction
from tests.exchange import entries, fill_register, told
from tests.offices import about_scopes, an_office
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app", "catalogues")


@pytest.fixture
def office(client):
    return an_office(client)


def asked(office, person, *claims):
    """What the endpoint says of these claims, and what the log says it told."""
    decisions = (about_scopes(*claims),)
    bought = office.sign_in(person, scope="openid profile email phone", decisions=decisions)
    answer = office.userinfo(bought["access_token"])
    assert answer.status_code == 200, answer.json
    said = entries(person.citizen_id)[-1].subject
    return answer.json, said["attributes"], said.get("without", [])


def declare(person, **said):
    with transaction():
        values.declare(person.citizen_id, said)


def test_a_claim_with_a_value_is_told_and_named(office):
    person = lan()
    declare(person, contact_email="lan@motlan.example", contact_phone="+84999000001")

    said, named, without = asked(office, person, "email", "phone_number")

    assert (said["email"], said["phone_number"]) == ("lan@motlan.example", "+84999000001")
    assert (named, without) == (["contact_email", "contact_phone"], [])


def test_a_claim_without_a_value_is_named_as_such(office):
    person = lan()
    declare(person, contact_email="lan@motlan.example")

    said, named, without = asked(office, person, "name", "email", "phone_number")

    assert set(said) == {"sub", "name", "email"}
    assert (named, without) == (["contact_email", "full_name"], ["contact_phone"])


def test_a_value_that_has_ended_is_told_no_more(office):
    person = lan()
    over = (clock.today() - timedelta(days=1)).isoformat()
    fill_register(
        "population", told(person, "contact_email", value="cu@motlan.example", valid_to=over)
    )

    said, named, without = asked(office, person, "email")

    assert set(said) == {"sub"}
    assert (named, without) == ([], ["contact_email"])
