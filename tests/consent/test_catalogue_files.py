"""The catalogues that ship with the package agree with each other and with the value types."""

import csv
from pathlib import Path

import pytest

from consent.attributes.types import TYPES

ROOT = Path(__file__).parents[2]


def table(path: str) -> list[dict[str, str]]:
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def attributes() -> list[dict[str, str]]:
    return table("consent/attributes/catalogue.csv")


@pytest.fixture(scope="module")
def procedures() -> list[dict[str, str]]:
    return table("consent/procedures/catalogue.csv")


@pytest.fixture(scope="module")
def registers() -> list[dict[str, str]]:
    return table("consent/attributes/registers.csv")


def asked(procedure: dict[str, str]) -> list[str]:
    listed = f"{procedure['attributes_required']}|{procedure['attributes_optional']}"
    return [name for name in listed.split("|") if name]


def test_every_attribute_has_one_name_a_known_type_and_one_register(
    attributes: list[dict[str, str]], registers: list[dict[str, str]]
) -> None:
    names = [attribute["name"] for attribute in attributes]

    assert len(names) == len(set(names)) == 40
    assert {attribute["type"] for attribute in attributes} == set(TYPES)
    assert {attribute["register"] for attribute in attributes} == {
        register["register"] for register in registers
    }
    assert sum(attribute["register"] != "declared" for attribute in attributes) == 36


def test_every_attribute_says_what_the_gate_must_know(attributes: list[dict[str, str]]) -> None:
    for attribute in attributes:
        assert attribute["sensitivity"] in {"basic", "sensitive"}
        assert {attribute["equals_paper"], attribute["may_be_supplied"]} <= {"yes", "no"}
        assert attribute["freshness_days"] == "" or int(attribute["freshness_days"]) > 0
        assert attribute["label_vi"]
        assert attribute["label_en"]


def test_every_register_but_the_persons_own_word_has_a_keeper(
    registers: list[dict[str, str]],
) -> None:
    assert [register["register"] for register in registers if not register["keeper"]] == [
        "declared"
    ]


def test_procedures_ask_only_for_what_the_catalogue_has(
    attributes: list[dict[str, str]], procedures: list[dict[str, str]]
) -> None:
    known = {attribute["name"] for attribute in attributes}
    wanted = [asked(procedure) for procedure in procedures]

    assert len({procedure["code"] for procedure in procedures}) == 8
    assert all(set(names) <= known and len(names) == len(set(names)) for names in wanted)
    # Eight attributes are asked by no procedure: they serve the "not allowed" answers.
    assert len(known.difference(*wanted)) == 8


def test_every_procedure_states_its_basis_and_both_minimum_levels(
    procedures: list[dict[str, str]],
) -> None:
    for procedure in procedures:
        assert procedure["basis"] in {"request", "consent", "law"}
        assert int(procedure["min_account_level"]) in {1, 2}
        assert int(procedure["min_auth_level"]) in {1, 2, 3, 4}
        assert procedure["legal_basis"]
        assert procedure["purpose_vi"]
        assert procedure["purpose_en"]


def test_a_value_handled_like_the_personal_number_is_asked_only_beside_it(
    attributes: list[dict[str, str]], procedures: list[dict[str, str]]
) -> None:
    alike = {
        attribute["name"]
        for attribute in attributes
        if "handle as personal_number" in attribute["notes"]
    }

    assert alike == {
        "household_business_code",
        "health_insurance_number",
        "social_insurance_number",
        "tax_code",
    }
    for procedure in procedures:
        assert not alike.intersection(asked(procedure)) or "personal_number" in asked(procedure)
