"""`authorization_details` in the request: RFC 9396 §2, §5; contract, "Asking for data"."""

import json

import pytest

from tests.asking import a_sender, signed_in, waiting
from tests.exchange import CASE, PROCEDURE
from tests.people import lan

pytestmark = pytest.mark.usefixtures("catalogues")


@pytest.fixture
def office(client):
    return a_sender(client)


def details(*told):
    return json.dumps(list(told))


def one(**changed):
    told = {"type": "vn_procedure", "procedure": PROCEDURE, "case": CASE} | changed
    return {name: value for name, value in told.items() if value is not None}


def test_a_procedure_asked_for_leads_to_the_decision_page(office, client):
    """RFC 9396 §2; journey 2."""
    signed_in(client, lan())

    answer = office.ask(authorization_details=details(one()))

    assert waiting(answer, "/consent")


def test_attributes_may_be_named(office):
    """contract: left out means the required ones."""
    answer = office.ask(authorization_details=details(one(attributes=["full_name"])))

    assert waiting(answer)


def test_silence_is_not_an_answer_to_a_procedure(office, client):
    """Security case 44."""
    signed_in(client, lan())

    error = office.error(authorization_details=details(one()), prompt="none")

    assert error == "consent_required"


@pytest.mark.parametrize(
    "told",
    [
        "{",
        "{}",
        '"x"',
        "[1]",
        "[null]",
        details(one(type="payment")),
        details(one(type=None)),
        details(one(procedure=None)),
        details(one(procedure="")),
        details(one(procedure=7)),
        details(one(procedure="9.999999")),
        details(one(case=None)),
        details(one(case=7)),
        details(one(case="H\u202e1")),
        details(one(attributes=[])),
        details(one(attributes="full_name")),
        details(one(attributes=["*"])),
        details(one(attributes=["Full_Name"])),
        details(one(attributes=["permanent_address.street"])),
        details(one(attributes=["full_name", "full_name"])),
        details(one(attributes=[{}])),
        details(one(citizen="097")),
        details(one(), one()),
        details(*(one(case=f"H-{n}") for n in range(11))),
        details(one()).replace('"procedure"', '"procedure": "3.000347", "procedure"'),
        "[" * 5000,
    ],
)
def test_details_of_another_shape_are_refused(office, told):
    """RFC 9396 §5: invalid_authorization_details."""
    assert office.error(authorization_details=told) == "invalid_authorization_details"


def test_details_longer_than_any_honest_ones_are_not_read(office):
    """Security case 63."""
    assert office.error(authorization_details="[" + " " * 8192 + "]") == "invalid_request"


def test_the_shorthand_has_no_case_so_it_is_refused_where_one_is_needed(office):
    """contract: allowed where the basis is consent."""
    assert office.error(scope=f"openid procedure:{PROCEDURE}") == "invalid_authorization_details"


def test_several_cases_of_one_procedure_may_be_asked_at_once(office):
    """RFC 9396 §2: an array."""
    assert waiting(office.ask(authorization_details=details(one(), one(case="H-2"))))


class TestAttacker:
    def test_a_procedure_of_other_services_is_refused(self, client):
        """contract: the codes it may run."""
        office = a_sender(client, procedures=["3.000347"])

        error = office.error(authorization_details=details(one()))

        assert error == "invalid_authorization_details"

    def test_shorthand_and_details_cannot_hide_one_procedure_twice(self, office):
        """RFC 9396 §2: what the page shows is what was asked, once."""
        told = details(one(case=None))

        error = office.error(scope=f"openid procedure:{PROCEDURE}", authorization_details=told)

        assert error == "invalid_authorization_details"
