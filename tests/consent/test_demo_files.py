"""The demo country: every file in the format of its import, every person there for a reason."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from consent.attributes.types import canonical
from identity.citizens.birth_date import BirthDate
from identity.citizens.national_id import NationalId, Sex
from identity.citizens.person_name import registered_name

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"

LAN, HUNG, HUYEN, THAI = "097188004217", "097086001935", "098179002046", "099075006374"
TRUONG = "098091020712"  # two of whose sources disagree
KEPT_BY_IDENTITY = {"personal_number", "full_name", "date_of_birth", "sex"}
ABOUT_SOMEONE_ELSE = {
    "father_full_name",
    "mother_full_name",
    "spouse_full_name",
    "marriage_record_number",
    "relationship_to_household_head",
}

# consent-and-pages, list D2: who a developer of a public service needs to try everything.
CASES = (
    *("ordinary adult", "everything present", "no rule can split", "very long name"),
    *("name of one word", "sixteen years old", "a father", "a guardian", "a ward", "deceased"),
    *("locked", "lost her phone", "no phone", "foreign resident", "sources disagree"),
    *("out of reach", "stale", "leaves out what is optional", "withdrew in the middle"),
    *("mandate for her brother has run out", "a twin", "the other twin", "rare letters"),
    *("public figure", "canary", "a security officer in his own matters", "year of birth only"),
)

Line = dict[str, Any]


def lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read(name: str) -> Any:
    return json.loads((DEMO / name).read_text(encoding="utf-8"))


def table(path: str) -> list[dict[str, str]]:
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CITIZENS = {line["national_id"]: line for line in lines(DEMO / "citizens.jsonl")}
REGISTERS = {path.stem: lines(path) for path in sorted((DEMO / "registers").glob("*.jsonl"))}
CATALOGUE = {row["name"]: row for row in table("consent/attributes/catalogue.csv")}
PROCEDURES = {row["code"]: row for row in table("consent/procedures/catalogue.csv")}
FILES_DATE = date.fromisoformat(read("people.json")["files_date"])


def known(number: str) -> dict[str, Line]:
    """What the registers say about one person, identity's own four included."""
    said = {
        row["attribute"]: row
        for rows in REGISTERS.values()
        for row in rows
        if row["national_id"] == number
    }
    return said | {attribute: {} for attribute in KEPT_BY_IDENTITY}


def asked(code: str, *, optional: bool = False) -> set[str]:
    columns = ["attributes_required", *(["attributes_optional"] if optional else [])]
    return {name for column in columns for name in PROCEDURES[code][column].split("|") if name}


def every_row() -> Iterator[tuple[str, Line]]:
    for register, rows in REGISTERS.items():
        for row in rows:
            yield register, row


def test_each_citizen_is_a_line_that_the_import_takes() -> None:
    assert len(lines(DEMO / "citizens.jsonl")) == len(CITIZENS) == 29
    for line in CITIZENS.values():
        assert set(line) == {
            *("national_id", "full_name", "date_of_birth", "sex", "account_level", "status"),
            *("deceased_on", "password", "one_time_code"),
        }
        assert registered_name(line["full_name"]) == line["full_name"]
        assert line["status"] in {"active", "locked", "deceased"}
        assert (line["deceased_on"] is not None) == (line["status"] == "deceased")
        assert line["account_level"] in {1, 2}
        assert re.fullmatch(r"[0-9]{6}", line["one_time_code"])
        assert len(line["password"]) >= 15


def test_each_number_agrees_with_its_person_and_belongs_to_no_province() -> None:
    for line in CITIZENS.values():
        number = NationalId.strict(line["national_id"])
        born = BirthDate.parse(line["date_of_birth"])

        assert number.reveal()[:3] in {"097", "098", "099"}
        assert number.is_possibly_foreign
        assert number.disagreements(born, Sex(line["sex"])) == []
        assert not born.is_after(FILES_DATE)


def test_nobody_shares_a_password_or_a_code() -> None:
    people = [*CITIZENS.values(), *read("staff.json")]

    for secret in ("password", "one_time_code"):
        assert len({person[secret] for person in people}) == len(people) == 34


def test_the_cases_of_the_first_people_are_all_there() -> None:
    listed = read("people.json")["people"]
    abouts = " / ".join(person["about"] for person in listed)

    assert [person["national_id"] for person in listed] == list(CITIZENS)
    assert all(set(person) == {"national_id", "case", "about", "live"} for person in listed)
    assert sorted(line["status"] for line in CITIZENS.values()).count("active") == 27
    assert {len(line["date_of_birth"]) for line in CITIZENS.values()} == {4, 7, 10}
    assert {line["account_level"] for line in CITIZENS.values()} == {1, 2}
    for case in CASES:
        assert case in abouts, case


def test_every_value_is_a_canonical_one_of_its_register() -> None:
    for register, row in every_row():
        attribute = CATALOGUE[row["attribute"]]

        assert row["attribute"] not in KEPT_BY_IDENTITY
        assert attribute["register"] == register
        stored = canonical(attribute["type"], row["value"], attribute=row["attribute"])
        assert stored == row["value"]


def test_every_row_has_the_members_of_the_import_and_dates_in_their_order() -> None:
    members = {
        *("national_id", "attribute", "value", "as_of", "valid_from", "valid_to", "record_id"),
    }
    for _, row in every_row():
        assert set(row) - {"about"} == members
        assert row["national_id"] in CITIZENS
        assert date.fromisoformat(row["as_of"]) <= FILES_DATE
        if row["valid_from"] is not None:
            assert row["valid_from"] <= row["as_of"]
    keys = Counter((row["national_id"], row["attribute"]) for _, row in every_row())
    assert [key for key, times in keys.items() if times > 1] == [
        (TRUONG, "dwelling_floor_area_m2"),
    ]


def test_a_value_about_another_person_names_someone_else_of_the_demo() -> None:
    linked = [row for _, row in every_row() if "about" in row]

    assert {row["attribute"] for row in linked} <= ABOUT_SOMEONE_ELSE
    assert all(row["about"] in CITIZENS for row in linked)
    assert all(row["about"] != row["national_id"] for row in linked)
    for row in linked:
        if row["attribute"].endswith("_full_name"):
            assert row["value"] == CITIZENS[row["about"]]["full_name"]
    assert known(LAN)["spouse_full_name"]["about"] == HUNG
    assert known(HUNG)["spouse_full_name"]["about"] == LAN


def test_all_seven_registers_have_rows() -> None:
    assert set(REGISTERS) == {row["register"] for row in CATALOGUE.values()} - {"declared"}
    assert all(REGISTERS.values())


def test_one_thing_is_missing_for_lan_and_it_is_her_phone_number() -> None:
    residence = asked("1.004222", optional=True)

    assert residence - set(known(LAN)) == {"contact_phone"}
    assert asked("1.004222") <= set(known(LAN))
    assert asked("3.000347") <= set(known(LAN))
    assert CATALOGUE["contact_phone"]["may_be_supplied"] == "yes"


def test_one_person_has_a_value_in_every_register_for_everything() -> None:
    everything = {name for name, row in CATALOGUE.items() if row["register"] != "declared"}

    assert set(known(HUYEN)) == everything


def test_one_person_is_stale_throughout_and_nobody_else_is_at_all() -> None:
    for _, row in every_row():
        limit = CATALOGUE[row["attribute"]]["freshness_days"]
        if not limit:
            continue
        age = (FILES_DATE - date.fromisoformat(row["as_of"])).days
        if row["national_id"] == THAI and int(limit) < 3650:
            assert age > int(limit)
        elif row["national_id"] != THAI:
            assert age < int(limit) / 2


def test_no_current_address_names_a_district_of_today() -> None:
    for _, row in every_row():
        if CATALOGUE[row["attribute"]]["type"] != "address" or row["national_id"] == THAI:
            continue
        today, _, formerly = row["value"]["text"].partition(" (trước 01/07/2025: ")
        assert row["value"]["valid_from"] == "2025-07-01"
        assert row["value"]["code"]
        assert formerly.endswith(")")
        assert not re.search(r"quận|huyện|thị xã|thị trấn|thành phố Thủ Đức", today, re.IGNORECASE)


def test_phones_and_addresses_of_the_demo_reach_nobody() -> None:
    said = [row for _, row in every_row()]
    phones = [row["value"] for row in said if row["attribute"] == "contact_phone"]
    emails = [row["value"] for row in said if row["attribute"] == "contact_email"]

    assert len(phones) == len(set(phones)) == 27
    assert all(re.fullmatch(r"\+849990000[0-9]{2}", phone) for phone in phones)
    assert all(email.endswith(".example") for email in emails)


def test_six_services_authenticate_in_four_ways() -> None:
    services = read("services.json")

    assert len({service["client_id"] for service in services}) == 6
    assert {service["token_endpoint_auth_method"] for service in services} == {
        *("client_secret_basic", "client_secret_post", "private_key_jwt", "none"),
    }
    for service in services:
        method = service["token_endpoint_auth_method"]
        assert ("client_secret" in service) == method.startswith("client_secret_")
        assert ("jwks" in service) == (method == "private_key_jwt")
        assert set(service["procedures"]) <= set(PROCEDURES)
        assert all(
            uri.startswith(("http://localhost:8001/", "http://127.0.0.1:"))
            or re.match(r"https://[a-z]+\.motlan\.test/", uri)
            for uri in service["redirect_uris"]
        )


def test_the_sample_service_can_play_both_of_the_story() -> None:
    services = {service["client_id"]: service for service in read("services.json")}

    assert services["commune-police"]["procedures"] == ["1.004222"]
    assert services["commune-police"]["redirect_uris"] == ["http://localhost:8001/callback"]
    assert services["traffic-police"]["procedures"] == ["3.000347"]
    assert services["traffic-police"]["redirect_uris"] == ["http://localhost:8001/callback-2"]


def test_all_three_bases_can_be_shown() -> None:
    played = {code for service in read("services.json") for code in service["procedures"]}

    assert {PROCEDURES[code]["basis"] for code in played} == {"request", "consent", "law"}
    assert {"1.115150", "1.002759"} <= played


def test_no_organisation_asks_for_what_it_keeps_itself() -> None:
    keepers = read("keepers.json")

    assert set(keepers) == set(REGISTERS)
    for service in read("services.json"):
        organisation = service["organisation"]
        assert set(organisation) == {"name", "code", "level", "block"}
        assert organisation["level"] in {"central", "province", "commune", "other"}
        wanted = {name for code in service["procedures"] for name in asked(code, optional=True)}
        kept = {
            name
            for name in wanted - KEPT_BY_IDENTITY
            if keepers.get(CATALOGUE[name]["register"]) == organisation["code"]
        }
        assert kept == set()


def test_published_keys_are_the_public_halves_of_the_demo_keys() -> None:
    private = read("services-keys.json")["keys"]
    signing = {
        service["client_id"]: service["jwks"]["keys"][0]
        for service in read("services.json")
        if "jwks" in service
    }

    assert set(private) == set(signing)
    assert {key["kty"] for key in signing.values()} == {"EC", "RSA"}
    for client_id, public in signing.items():
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(public)
        assert public.items() <= private[client_id].items()
        assert "d" in private[client_id]


def test_what_is_not_built_yet_is_said_not_to_be_live() -> None:
    waiting = {p["national_id"]: p["about"] for p in read("people.json")["people"] if not p["live"]}

    assert len(waiting) == 6
    assert all("wait" in about for about in waiting.values())


def test_everybody_who_works_here_has_a_unit_and_one_is_a_citizen_too() -> None:
    staff = read("staff.json")

    roles = [officer["role"] for officer in staff]
    assert sorted(roles) == [
        *("counter-officer", "inspector", "operator", "security-officer", "security-officer"),
    ]
    known = [officer["national_id"] for officer in staff if "national_id" in officer]
    assert [CITIZENS[number]["full_name"] for number in known] == ["Tạ Quang Vinh"]
    assert len({officer["unit"] for officer in staff}) == len(staff)
    assert len({officer["username"] for officer in staff}) == len(staff)
    assert all(re.fullmatch(r"[0-9]{6}", officer["one_time_code"]) for officer in staff)


@pytest.mark.parametrize("number", list(CITIZENS))
def test_the_readme_introduces_everybody(number: str) -> None:
    readme = (DEMO / "README.md").read_text(encoding="utf-8")

    assert f"| {number} | {CITIZENS[number]['full_name']} |" in readme
