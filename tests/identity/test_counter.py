"""The counter: an officer compares a card, hands over a letter; who lost everything begins anew."""

from datetime import timedelta

import pytest

from identity.activation import letters
from identity.citizens.national_id import NationalId
from identity.entry import NOBODY
from tests.asking import a_sender, answered, waiting
from tests.beginning import CHOSEN, START, activates, app_of, chooses, comes_to, proves_letter
from tests.counter import HOME, UNIT, a_clerk, last, later, posts, types
from tests.exchange import entries
from tests.forms import a_visitor
from tests.markup import Markup
from tests.people import (
    ONE_TIME_CODE,
    PASSWORD,
    form_token,
    lan,
    new_number,
    sign_in,
    submit,
)

REFRESHING = {
    "scope": "openid offline_access",
    "grant_types": ["authorization_code", "refresh_token"],
}


@pytest.fixture
def client(app):
    return a_visitor(app.test_client(), "vi")


def signs_in(client, person, password, code):
    submit(client, "/sign-in?request=x", national_id=person.national_id, password=password)
    return client.post(
        "/sign-in/code?request=x",
        data={"csrf_token": form_token(client.get("/sign-in?request=x")), "one_time_code": code},
    ).status_code


def is_signed_in(client):
    return 'id="confirm-sign-out"' in client.get("/sign-out").text


def test_the_officer_sees_what_stands_on_the_card_and_nothing_else(clerk, person):
    """Name and birth date; no number, no address, no level, and nobody in an address."""
    page = clerk.compares(person)

    shown = Markup(page.text)
    assert shown.by_id("full-name").words == "Nguyễn Thị Lan"
    assert shown.by_id("date-of-birth").words == "12/04/1988"
    assert person.national_id not in page.text + clerk.looks[-1]
    assert person.citizen_id.hex not in clerk.looks[-1].replace("-", "")


def test_the_person_sees_who_looked_where_and_why(clerk, person):
    clerk.compares(person, need="lost_factors", card="certificate")

    told = last(person, "counter:looked")
    assert told.subject["reason"] == "lost_factors"
    assert told.subject["card"] == "certificate"
    assert told.subject["attributes"] == ["full_name", "date_of_birth"]
    assert (told.acting["unit"], told.acting["role"]) == (UNIT, "counter-officer")
    assert told.acting["actor"] == clerk.officer.id.hex


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("vi", ("cán bộ tiếp nhận", "Quên mật khẩu (Thẻ căn cước)", UNIT)),
        ("en", ("counter officer", "Forgotten password (Identity card)", UNIT)),
    ],
)
def test_it_stands_on_the_person_s_own_pages(clerk, client, person, language, words):
    """In the words of the contract: never "officer" alone."""
    clerk.gives(person)
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    sign_in(client, person)

    access, home = client.get("/my/access").text, client.get("/my").text

    assert [word for word in words if word not in access] == []
    assert UNIT in Markup(home).by_id("security-notices").words
    assert 'href="/my/security"' in home[home.index('id="letter"') :]


def test_without_a_password_the_letter_works_at_once(clerk, client, app):
    """The first letter was lost: a new one, and the old is over."""
    old = lan(national_id=new_number(), password=None, one_time_code=None)
    posted = []
    letters.issue(posted.extend, only=[NationalId.strict(old.national_id)])

    page = clerk.compares(old, need="first_letter")
    clerk.decides("give")
    printed = clerk.client.get(clerk.looks[-1]).text
    one = type("Newcomer", (), {"number": old.national_id, "code": clerk.code()})

    assert Markup(page.text).by_id("before").words.startswith("Thư gửi đi")
    assert 'id="good-from"' not in printed
    before = type("Newcomer", (), {"number": old.national_id, "code": posted[0].code})
    assert proves_letter(a_visitor(app.test_client(), "vi"), before).status_code == 403
    assert activates(client, one)
    assert types(old)[-1] == "account:activated"


def test_with_a_password_the_letter_waits_three_days(clerk, client, person):
    """Its owner, who is told, can stop it; only who has the code learns how long."""
    one = clerk.gives(person)

    early = proves_letter(client, one)
    with later():
        ripe = proves_letter(client, one)

    assert (early.status_code, ripe.status_code) == (403, 303)
    assert '<a href="#letter-code">' in early.text
    assert "dùng được từ" in early.text
    told = last(person, "activation:refused")
    assert told.subject["reason"] == "early"


def test_who_lost_everything_begins_anew(app, clerk, client, person):
    """New password, new factor; sessions, tokens, known devices and old factors have ended."""
    old = a_visitor(app.test_client(), "vi")
    sign_in(old, person)
    one = clerk.gives(person, need="lost_factors")

    with later():
        sign_in(old, person, query="?request=x")
        assert is_signed_in(old)
        codes = activates(client, one)

        assert (is_signed_in(client), is_signed_in(old)) == (True, False)
        assert types(person)[-1] == "account:recovered"
        for password, code in ((PASSWORD, ONE_TIME_CODE), (CHOSEN, ONE_TIME_CODE)):
            assert signs_in(a_visitor(app.test_client(), "vi"), person, password, code) == 403
        assert signs_in(a_visitor(app.test_client(), "vi"), person, CHOSEN, codes[0]) == 303


def test_an_app_takes_the_place_of_codes_on_paper_too(app, clerk, client, person):
    """Not one printed code of before counts."""
    first = clerk.gives(person)
    with later():
        codes = activates(client, first)
        second = clerk_again(app, person)
    with later(timedelta(hours=145)):
        other = a_visitor(app.test_client(), "vi")
        phone = app_of(comes_to(other, second, "authenticator"))
        done = submit(other, f"{START}/authenticator", one_time_code=phone.now())

        assert done.status_code == 303
        assert signs_in(a_visitor(app.test_client(), "vi"), person, CHOSEN, codes[0]) == 403


def clerk_again(app, person):
    return a_clerk(app).gives(person)


def test_tokens_end_with_the_account_s_old_proofs(app, clerk, client, person):
    sender = a_sender(a_visitor(app.test_client(), "vi"), **REFRESHING)
    sign_in(sender.client, person)
    code = answered(sender.ask(scope="openid offline_access", prompt="consent"))["code"]
    refresh = sender.redeem(code).json["refresh_token"]
    one = clerk.gives(person)

    with later():
        activates(client, one)
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        again = sender.client.post("/token", data=form, headers=sender.played.basic())

    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")


def test_the_owner_is_told_and_stops_the_letter(app, clerk, client, person):
    """On the page about the account, and with one button."""
    one = clerk.gives(person)
    sign_in(client, person)
    page = client.get("/my/security").text
    assert UNIT in Markup(page).by_id("handed").words

    done = posts(client, "/my/security/letter/void")
    again = posts(client, "/my/security/letter/void")

    assert done.location == again.location == "/my/security"
    assert 'id="handed"' not in client.get("/my/security").text
    assert types(person).count("letter:voided") == 1
    with later():
        assert proves_letter(a_visitor(app.test_client(), "vi"), one).status_code == 403


def test_a_new_password_of_the_owner_ends_the_letter(app, clerk, client, person):
    one = clerk.gives(person)
    sign_in(client, person)
    told = {"password": PASSWORD, "new_password": CHOSEN, "repeated": CHOSEN}
    assert submit(client, "/my/security/password", **told).status_code == 303

    with later():
        assert proves_letter(a_visitor(app.test_client(), "vi"), one).status_code == 403


def test_a_card_of_somebody_else_gets_nothing_and_is_written(clerk, person):
    clerk.compares(person)

    answer = clerk.decides("reject")

    assert answer.location == HOME
    assert 'id="done"' in clerk.client.get(HOME).text
    assert last(person, "counter:refused").subject["reason"] == "not_alike"
    assert clerk.client.get(clerk.looks[-1]).status_code == 404
    assert "letter:issued" not in types(person)


@pytest.mark.parametrize("status", ["locked", "deceased"])
def test_a_barred_account_is_told_plainly_and_gets_no_letter(clerk, status):
    gone = {"deceased_on": "2026-01-02"} if status == "deceased" else {}
    barred = lan(status=status, **gone)

    page = clerk.compares(barred)
    forced = posts(clerk.client, clerk.looks[-1], answer="give")

    assert Markup(page.text).by_id("barred").words
    assert "Nguyễn Thị Lan" not in page.text
    assert forced.status_code == 409
    assert "letter:issued" not in types(barred)


def test_a_number_of_nobody_is_told_and_written(clerk):
    answer = clerk.looks_up(new_number())

    assert (answer.status_code, '<a href="#national-id">' in answer.text) == (404, True)
    found = [e for e in entries(NOBODY) if e.type == "counter:looked"]
    mine = [e for e in found if e.acting["actor"] == clerk.officer.id.hex]
    assert [e.subject["result"] for e in mine] == ["nothing found"]


def test_the_letter_is_shown_until_it_is_printed(clerk, person):
    """A second click changes nothing; afterwards nobody sees the code again."""
    one = clerk.gives(person)
    again = posts(clerk.client, clerk.looks[-1], answer="give")

    assert (again.location, clerk.code()) == (clerk.looks[-1], one.code)
    done = posts(clerk.client, f"{clerk.looks[-1]}/printed")
    assert done.location == HOME
    assert one.code not in clerk.client.get(HOME).text
    assert clerk.client.get(clerk.looks[-1]).status_code == 404
    assert types(person).count("letter:issued") == 1


def test_the_way_back_outlives_the_making_of_an_account(clerk, client):
    """Whoever a service sent, and who has no password yet, comes back to its request at the end."""
    person = lan(national_id=new_number(), password=None, one_time_code=None)
    one = clerk.gives(person, need="first_letter")
    sender = a_sender(client)
    query = f"?request={waiting(sender.ask())}"

    with later(timedelta(minutes=8)):
        assert proves_letter(client, one, query).status_code == 303
    with later(timedelta(minutes=8 + 14)):
        form = {"new_password": CHOSEN, "repeated": CHOSEN}
        assert submit(client, f"{START}/password{query}", **form).status_code == 303
        chooses(client, "recovery-codes", query)
        done = submit(client, f"{START}/recovery-codes{query}")
    with later(timedelta(minutes=8 + 14 + 9)):
        back = answered(client.get(done.location))

    assert back["state"] == sender.state
    assert back["code"]
