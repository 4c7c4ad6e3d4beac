"""Where places meet the rest: registers that name units, pages that word addresses, releases."""

import pytest

from consent.ledger.answer import Ledger
from identity.citizens import people
from identity.together import look
from tests.deciding import an_asking_service, detail, signed_in, words
from tests.exchange import ask, decision, fill_register, give, told
from tests.people import lan
from tests.public_services import a_service

STREET = "45 đường Cộng Hòa"
OLD = f"{STREET}, phường 12, quận Tân Bình, Thành phố Hồ Chí Minh"
NOW = f"{STREET}, phường Bảy Hiền, Thành phố Hồ Chí Minh"
ADDRESS = {"text": OLD, "code": "26971", "valid_from": "2019-04-02"}
ASKED, LICENCE = "permanent_address", "3.000347"


@pytest.fixture
def client(country):
    return country.test_client()


@pytest.fixture
def her(country):  # noqa: ARG001 - places are known
    person = lan()
    filled, said = fill_register("residence", told(person, ASKED, ADDRESS))
    assert (filled.kept, said) == (1, [])
    return person


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_decision_page_words_an_address_as_it_is_called_today(client, her, language):
    """Contract, "Words"."""
    client.set_cookie("motlan-language", language)
    page = (
        signed_in(client, her).is_asked(an_asking_service(), detail(ASKED, procedure=LICENCE)).get()
    )

    before = {"vi": "trước", "en": "before"}[language]
    assert f"{NOW} ({before} 01/07/2025: Phường 12, quận Tân Bình)" in words(page)


def test_a_release_keeps_the_words_as_registered(client, her):
    given = give(her, a_service(procedures=[LICENCE]), decision(ASKED, procedure=LICENCE))

    answer = ask(client, given)

    assert answer.json["values"][ASKED]["value"] == ADDRESS


def test_the_claim_address_keeps_them_too(her):
    """OIDC Core §5.1.1."""
    (clause,) = Ledger().userinfo(frozenset({"address"}))
    bound = clause._replace(params={**clause.params, "citizen": her.citizen_id})
    answer = look(people.identity_clause(her.citizen_id), bound)

    claims = Ledger().claims(answer, people.key_from(answer))

    assert claims == {"address": {"formatted": OLD}}


@pytest.mark.parametrize(
    ("change", "as_of"),
    [
        ({"code": "99999"}, "2026-11-01"),
        ({"code": "26971", "valid_from": "2025-07-01"}, "2026-11-01"),  # it ended the day before
        ({"code": "26971", "valid_from": None}, "2026-11-01"),
        ({"code": "766", "valid_from": "2025-07-01"}, "2026-11-01"),  # no district any more
    ],
)
@pytest.mark.parametrize("attribute", [ASKED, "temporary_address"])
def test_a_code_that_no_unit_had_that_day_is_a_bad_line(country, change, as_of, attribute):  # noqa: ARG001 - places are known
    """Contract, "Commands": checked once places are imported."""
    filled, said = fill_register("residence", told(lan(), attribute, ADDRESS | change, as_of=as_of))

    assert said == ["line 1, value: no administrative unit has this code on that day"]
    assert (filled.kept, filled.bad) == (0, 1)


@pytest.mark.parametrize(
    ("change", "as_of"),
    [
        ({"code": None, "valid_from": None}, "2026-11-01"),
        ({"code": "26971", "valid_from": None}, "2025-06-30"),
        ({"code": "26983", "valid_from": "2025-07-01"}, "2026-11-01"),
        ({"code": "79", "valid_from": "2025-07-01"}, "2026-11-01"),
    ],
)
def test_a_code_of_its_day_is_a_good_one(country, change, as_of):  # noqa: ARG001 - places are known
    filled, said = fill_register("residence", told(lan(), ASKED, ADDRESS | change, as_of=as_of))

    assert (filled.kept, said) == (1, [])
