"""`/my/security`: password, second factor and devices, changed by their owner and nobody else."""

import functools
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from identity import clock, database, trail
from identity.authentication.records import CitizenSession, KnownDevice
from identity.entry import Who
from identity.trail import AccessEntry
from tests.beginning import app_of, codes_of
from tests.forms import a_visitor
from tests.people import ONE_TIME_CODE, PASSWORD, form_token, hidden, minh, sign_in, submit

HOME = "/my/security"
NEW = "Mưa rơi trên mái tôn"
PHONE = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36"


@pytest.fixture
def sit_down(app):
    """Somebody signed in at another machine."""

    def sit(person, agent=""):
        client = a_visitor(app.test_client(), "vi")
        client.environ_base["HTTP_USER_AGENT"] = agent
        sign_in(client, person)
        return client

    return sit


@pytest.fixture
def client(sit_down, person):
    return sit_down(person)


def is_signed_in(client):
    return 'id="confirm-sign-out"' in client.get("/sign-out").text


def entries(person):
    mine = select(AccessEntry.type).where(AccessEntry.citizen_id == person.citizen_id)
    return [row.type for row in database.rows(mine.order_by(AccessEntry.id))]


def change_password(client, old=PASSWORD, new=NEW):
    path = f"{HOME}/password"
    return submit(client, path, password=old, new_password=new, repeated=new)


def prove(client, factor, *, password=PASSWORD, code=ONE_TIME_CODE):
    fields = {"password": password, "one_time_code": code, "factor": factor}
    return submit(client, f"{HOME}/second-factor", **fields)


def sessions(client):
    """The ids on the list of devices, in its order."""
    return list(
        dict.fromkeys(re.findall(rf"{HOME}/sessions/([0-9a-f-]{{36}})", client.get(HOME).text))
    )


def code_sign_in(app, person, password, code):
    """The status of the second step at an unknown machine."""
    other = a_visitor(app.test_client(), "vi")
    first = submit(other, "/sign-in", national_id=person.national_id, password=password)
    if first.status_code != 303:
        return first.status_code
    return submit(other, "/sign-in/code", one_time_code=code).status_code


def test_a_new_password_counts_and_ends_every_other_session(app, client, person, sit_down):
    elsewhere = sit_down(person)

    done = change_password(client)

    assert done.location == HOME
    assert 'id="done"' in client.get(HOME).text
    assert 'id="done"' not in client.get(HOME).text  # said once
    assert (is_signed_in(client), is_signed_in(elsewhere)) == (True, False)
    assert code_sign_in(app, person, NEW, ONE_TIME_CODE) == 303
    assert code_sign_in(app, person, PASSWORD, ONE_TIME_CODE) == 403
    assert "password:changed" in entries(person)


def test_a_new_app_takes_the_place_of_the_old_factor(app, client, person):
    page = client.get(prove(client, "authenticator").location)
    phone = app_of(page)

    done = submit(client, f"{HOME}/authenticator", one_time_code=phone.now())

    assert done.location == HOME
    assert "từ" in client.get(HOME).text
    assert code_sign_in(app, person, PASSWORD, ONE_TIME_CODE) == 403
    with time_machine.travel(clock.now() + timedelta(seconds=60)):
        assert code_sign_in(app, person, PASSWORD, phone.at(clock.now())) == 303
    assert "factor:changed" in entries(person)


@pytest.mark.parametrize("factor", ["authenticator", "recovery-codes"])
def test_a_new_factor_ends_the_person_s_other_sessions(app, client, person, factor):
    """As a new password does: perhaps the old one was lost to somebody."""
    elsewhere = a_visitor(app.test_client(), "vi")
    sign_in(elsewhere, person)
    before = client.get_cookie("motlan-citizen").value
    page = client.get(prove(client, factor).location)
    told = {"one_time_code": app_of(page).now()} if factor == "authenticator" else {}

    submit(client, f"{HOME}/{factor}", **told)

    assert (is_signed_in(client), is_signed_in(elsewhere)) == (True, False)
    client.set_cookie("motlan-citizen", before)  # somebody had copied it
    assert not is_signed_in(client)


def test_new_codes_take_the_place_of_the_old_ones_once_they_are_kept(app, client, person):
    first = codes_of(client.get(prove(client, "recovery-codes").location))
    submit(client, f"{HOME}/recovery-codes")
    second = codes_of(client.get(prove(client, "recovery-codes", code=first[0]).location))

    assert code_sign_in(app, person, PASSWORD, first[1]) == 303
    submit(client, f"{HOME}/recovery-codes")

    assert code_sign_in(app, person, PASSWORD, first[2]) == 403
    assert code_sign_in(app, person, PASSWORD, second[2]) == 303


def test_codes_of_another_window_are_not_confirmed(client, person):
    first = client.get(prove(client, "recovery-codes").location)
    second = client.get(prove(client, "recovery-codes").location)

    refused = client.post(f"{HOME}/recovery-codes", data=hidden(first))

    assert (refused.status_code, codes_of(refused)) == (409, codes_of(second))
    assert "factor:changed" not in entries(person)
    assert client.post(f"{HOME}/recovery-codes", data=hidden(refused)).location == HOME


def test_whoever_has_few_codes_left_is_told(app, client, person):
    """On the page of the code from three on, and always on the list."""
    codes = codes_of(client.get(prove(client, "recovery-codes").location))
    submit(client, f"{HOME}/recovery-codes")
    for code in codes[:6]:
        assert code_sign_in(app, person, PASSWORD, code) == 303
    other = a_visitor(app.test_client(), "vi")
    submit(other, "/sign-in", national_id=person.national_id, password=PASSWORD)

    before = other.get("/sign-in/code").text
    submit(other, "/sign-in/code", one_time_code=codes[6])
    submit(other, "/sign-in?request=x", national_id=person.national_id, password=PASSWORD)
    after = other.get("/sign-in/code").text

    assert 'id="codes-left"' not in before
    assert "Còn 3 mã dự phòng" in after
    assert "còn 3 trên 10 mã" in client.get(HOME).text


def test_devices_are_listed_with_words_and_names(client, person, sit_down):
    phone = sit_down(person, PHONE)
    (here,) = re.findall(r'id="here".*?sessions/([0-9a-f-]{36})', phone.get(HOME).text, re.DOTALL)
    seen = client.get(HOME).text
    submit(phone, f"{HOME}/sessions/{here}", device_name="Máy của mẹ")

    assert "Chrome, Android" in seen
    assert seen.count("<tr") >= 3
    assert "Máy của mẹ" in client.get(HOME).text
    assert "device:named" in entries(person)


def test_a_name_is_sealed_and_outlives_a_sign_in(client, person):
    (mine,) = sessions(client)
    submit(client, f"{HOME}/sessions/{mine}", device_name="Máy của mẹ")

    sign_in(client, person, query="?request=x")

    known = KnownDevice.citizen_id == person.citizen_id
    (row,) = database.rows(select(KnownDevice.__table__).where(known))
    assert "Máy của mẹ" in client.get(HOME).text
    assert "Máy của mẹ".encode() not in bytes(row.sealed_name)


def test_one_device_can_be_signed_out(client, person, sit_down):
    elsewhere, third = sit_down(person), sit_down(person)
    theirs = re.findall(
        r'id="here".*?sessions/([0-9a-f-]{36})', elsewhere.get(HOME).text, re.DOTALL
    )[0]
    page = client.get(f"{HOME}/sessions/{theirs}")
    form = {"csrf_token": form_token(page)}

    first = client.post(f"{HOME}/sessions/{theirs}/end", data=form)
    second = client.post(f"{HOME}/sessions/{theirs}/end", data=form)

    assert (first.status_code, second.status_code) == (303, 404)
    assert [is_signed_in(one) for one in (client, elsewhere, third)] == [True, False, True]
    assert entries(person).count("session:ended") == 1


def test_all_others_can_be_signed_out_at_once(client, person, sit_down):
    others = [sit_down(person) for _ in range(2)]
    token = form_token(client.get(HOME))

    client.post(f"{HOME}/sessions/end-others", data={"csrf_token": token})

    assert [is_signed_in(one) for one in (client, *others)] == [True, False, False]
    assert len(sessions(client)) == 1


def test_the_page_says_what_happened_lately(client, person):
    trail.record("attributes:released", Who(person.citizen_id))  # stands in the access log alone
    change_password(client)
    page = client.get(HOME).text

    assert "Đổi mật khẩu" in page[page.index('id="events"') :]
    assert page.count("data-entry=") == 2  # signed in, changed


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"password": ""}, "password"),
        ({"repeated": "khác"}, "repeated"),
        ({"new_password": PASSWORD, "repeated": PASSWORD}, "new-password"),
        ({"new_password": "nguyenthilan", "repeated": "nguyenthilan"}, "new-password"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(client, fields, at):
    told = {"password": PASSWORD, "new_password": NEW, "repeated": NEW} | fields

    answer = submit(client, f"{HOME}/password", **told)

    assert answer.status_code == 400
    assert f'<a href="#{at}">' in answer.text


def test_a_page_asks_the_database_few_questions(client, person, sit_down, monkeypatch):
    """However many devices there are."""
    for _ in range(3):
        sit_down(person)
    asked = []
    for name in ("rows", "row"):
        real = getattr(database, name)
        told = functools.partial(lambda real, *told: asked.append(1) or real(*told), real)
        monkeypatch.setattr(database, name, told)

    client.get(HOME)

    assert 5 <= len(asked) <= 12


class TestAttacker:
    PATHS = ("", "/password", "/second-factor", "/authenticator", "/recovery-codes")

    def test_a_stranger_is_sent_to_sign_in(self, app):
        stranger = app.test_client()
        places = {stranger.get(HOME + path).location for path in self.PATHS}

        assert all(place.startswith("/sign-in?next=") for place in places)

    def test_another_citizen_s_session_looks_like_none(self, client, sit_down):
        (theirs,) = sessions(sit_down(minh()))
        own = form_token(client.get(HOME))

        for path in (f"{HOME}/sessions/{theirs}", f"{HOME}/sessions/{uuid.uuid4()}"):
            assert client.get(path).status_code == 404
            told = {"csrf_token": own, "device_name": "của tôi"}
            assert client.post(path, data=told).status_code == 404
            assert client.post(path + "/end", data={"csrf_token": own}).status_code == 404

    @pytest.mark.parametrize(
        "path", ["/password", "/second-factor", "/sessions/end-others", "/recovery-codes"]
    )
    def test_another_site_s_form_changes_nothing(self, client, person, sit_down, path):
        elsewhere = sit_down(person)
        before = entries(person)

        answer = client.post(HOME + path, data={"password": PASSWORD, "new_password": NEW})

        assert answer.status_code == 403
        assert entries(person) == before
        assert is_signed_in(elsewhere)

    def test_a_stolen_session_cannot_guess_the_password(self, client, person):
        """The sign-in's own budget: ten on a known device."""
        statuses = [change_password(client, old=f"sai {n}").status_code for n in range(11)]

        assert statuses == [403] * 10 + [429]
        assert change_password(client).status_code == 429
        assert "security:refused" in entries(person)

    def test_a_stolen_session_cannot_change_the_factor(self, client):
        """Neither with the password alone nor with a wrong code."""
        assert prove(client, "authenticator", code="111111").status_code == 403
        assert prove(client, "authenticator", password="sai").status_code == 403
        assert client.get(f"{HOME}/authenticator").location == HOME

    def test_a_copied_cookie_dies_with_the_old_password(self, app, client):
        thief = app.test_client()
        thief.set_cookie("motlan-citizen", client.get_cookie("motlan-citizen").value)
        assert is_signed_in(thief)

        change_password(client)

        assert (is_signed_in(client), is_signed_in(thief)) == (True, False)

    def test_of_two_new_passwords_at_once_one_counts(self, app, client, person, sit_down):
        clients = [client, sit_down(person)]
        passwords = [NEW, "Nắng lên trên đồi chè"]
        forms = [
            {
                "csrf_token": form_token(one.get(f"{HOME}/password")),
                "password": PASSWORD,
                "new_password": new,
                "repeated": new,
            }
            for one, new in zip(clients, passwords, strict=True)
        ]

        def send(one, form):
            answer = one.post(f"{HOME}/password", data=form)
            # Whoever comes after the change has no session any more and is sent to sign in.
            return (answer.status_code, answer.location) == (303, HOME)

        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(send, clients, forms))

        assert found.count(True) == 1, found
        counts = [code_sign_in(app, person, new, ONE_TIME_CODE) for new in passwords]
        assert [status == 303 for status in counts] == found

    def test_a_choice_of_another_person_in_this_browser_is_not_taken(self, client, person):
        """A shared machine: Minh signs in where Lan was choosing."""
        prove(client, "recovery-codes")
        step = client.get_cookie("motlan-security").value
        him = minh()
        sign_in(client, him, query="?request=x")
        client.set_cookie("motlan-security", step)

        assert client.get(f"{HOME}/recovery-codes").status_code == 403
        assert "factor:changed" not in entries(person) + entries(him)

    def test_a_choice_begun_before_a_new_factor_is_worth_nothing_after_it(self, client, person):
        """Who had password and code a moment ago does not take the account back."""
        prove(client, "recovery-codes")
        thiefs = client.get_cookie("motlan-security").value
        prove(client, "recovery-codes")
        submit(client, f"{HOME}/recovery-codes")

        client.set_cookie("motlan-security", thiefs)

        assert client.get(f"{HOME}/recovery-codes").status_code == 403
        assert entries(person).count("factor:changed") == 1

    def test_a_choice_ends_after_a_quarter_of_an_hour(self, client):
        prove(client, "recovery-codes")

        with time_machine.travel(clock.now() + timedelta(minutes=16)):
            answer = client.get(f"{HOME}/recovery-codes")

        assert answer.status_code == 403

    def test_who_acts_for_somebody_sees_nothing_of_the_account(self, client, person):
        """What proves a person is nobody else's to see or change."""
        mine = CitizenSession.citizen_id == person.citizen_id
        him = minh().citizen_id
        with database.transaction():
            database.write(update(CitizenSession).where(mine).values(actor_id=him))

        assert [client.get(HOME + path).status_code for path in self.PATHS] == [403] * 5

    def test_a_name_is_text_and_a_header_is_ours(self, client, sit_down, person):
        """Neither a name nor a User-Agent becomes markup, and nothing of the header is kept."""
        evil = sit_down(person, "<script>alert(1)</script> Firefox/1 Windows")
        (mine,) = re.findall(
            r'id="here".*?sessions/([0-9a-f-]{36})', evil.get(HOME).text, re.DOTALL
        )
        submit(evil, f"{HOME}/sessions/{mine}", device_name="<b>tôi</b>")
        page = client.get(HOME).text

        assert "<script" not in page
        assert "&lt;b&gt;tôi&lt;/b&gt;" in page
        rows = database.rows(select(KnownDevice.browser, KnownDevice.system))
        assert ("Firefox", "Windows") in {(row.browser, row.system) for row in rows}
        assert not [row for row in rows if "<" in f"{row.browser}{row.system}"]
