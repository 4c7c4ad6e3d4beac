"""Rules 8 and 9 of the law: which kinds of data there are, and which of them are sensitive."""

import csv

import pytest

from consent.attributes.types import TYPES
from tests.databases import ROOT

# D356 Art. 4, as far as the registers of the catalogue hold such data.
SENSITIVE = ("ethnic", "religion", "politic", "health", "biometric", "criminal", "location", "bank")
# D356 Art. 3: what a form asks of everybody.
BASIC = (
    "full_name",
    "personal_number",
    "date_of_birth",
    "sex",
    "native_place",
    "nationality",
    "permanent_address",
    "marital_status",
    "contact_phone",
)
# What an insurance card says, not how anybody is.
INSURANCE = {"health_insurance_number", "health_insurance_valid_to"}


@pytest.fixture(scope="module")
def kinds():
    text = (ROOT / "consent/attributes/catalogue.csv").read_text(encoding="utf-8")
    return {row["name"]: row for row in csv.DictReader(text.splitlines())}


def test_every_attribute_is_classified_and_the_named_kinds_are_sensitive(kinds):
    """D356 Art. 4."""
    assert {row["sensitivity"] for row in kinds.values()} == {"basic", "sensitive"}
    wrong = {
        name
        for name, row in kinds.items()
        if any(kind in name + row["label_en"].lower() for kind in SENSITIVE)
        and row["sensitivity"] != "sensitive"
    }

    assert wrong - INSURANCE - {"business_location"} == set()


def test_the_basic_kinds_that_procedures_ask_for_are_there(kinds):
    """D356 Art. 3."""
    assert set(BASIC) <= set(kinds)
    assert {kinds[name]["sensitivity"] for name in BASIC} == {"basic"}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_no_attribute_can_hold_a_picture(kinds, name):
    """D356 Art. 4: images of identity cards are not kept, so nothing can hold one."""
    assert {row["type"] for row in kinds.values()} <= set(TYPES)

    with pytest.raises((ValueError, TypeError)):
        TYPES[name].accept(b"\x89PNG\r\n")
