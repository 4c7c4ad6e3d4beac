"""Beginning: a printed letter, a password of one's own, a second factor; then signed in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database
from identity.activation.records import ActivationLetter
from identity.citizens.records import CitizenPassword
from identity.factors.records import FactorSetup, RecoveryCode
from identity.trail import AccessEntry
from tests.beginning import (
    CHOSEN,
    START,
    a_letter,
    a_newcomer,
    activates,
    app_of,
    chooses,
    chooses_password,
    codes_of,
    comes_to,
    proves_letter,
)
from tests.exchange import entries
from tests.forms import a_visitor
from tests.people import form_token, hidden, lan, same_browser, sign_in, submit


@pytest.fixture
def one(app):  # noqa: ARG001 - people live in an app's database
    return a_newcomer()


@pytest.fixture
def client(app):
    """In a neighbourhood of its own, so that nobody else's tries count."""
    return a_visitor(app.test_client(), "vi")


def is_signed_in(client):
    return 'id="confirm-sign-out"' in client.get("/sign-out").text


def types(person):
    mine = select(AccessEntry.type).where(AccessEntry.citizen_id == person.citizen_id)
    return [row.type for row in database.rows(mine.order_by(AccessEntry.id))]


def has_password(person):
    mine = CitizenPassword.citizen_id == person.citizen_id
    return database.row(select(CitizenPassword.hash).where(mine)) is not None


def test_a_letter_leads_to_a_password_an_app_and_a_session(client, one):
    page = comes_to(client, one, "authenticator")
    app = app_of(page)

    done = submit(client, f"{START}/authenticator", one_time_code=app.now())

    assert (done.status_code, done.location) == (303, "/my")
    assert is_signed_in(client)
    assert types(one.person) == ["letter:issued", "account:activated"]


def test_the_app_gets_its_secret_as_a_picture_a_link_and_a_text(client, one):
    """CSP: the picture is markup of the page, without style or script."""
    page = comes_to(client, one, "authenticator").text

    picture = page[page.index('class="qr"') :]
    picture = picture[: picture.index("</svg>")]
    assert 'class="qrline"' in picture
    assert "style" not in picture
    assert 'href="otpauth://totp/' in page
    assert one.number not in page


def test_ten_codes_on_paper_are_a_second_factor_too(client, one):
    codes = activates(client, one)

    assert len(set(codes)) == 10
    assert is_signed_in(client)


def test_afterwards_one_signs_in_with_what_one_chose(app, client, one):
    """The chosen password, and one of the printed codes: once."""
    codes = activates(client, one)
    other = a_visitor(app.test_client(), "vi")
    submit(other, "/sign-in", national_id=one.number, password=CHOSEN)

    first = submit(other, "/sign-in/code", one_time_code=codes[3])
    submit(other, "/sign-in?request=x", national_id=one.number, password=CHOSEN)
    again = submit(other, "/sign-in/code", one_time_code=codes[3].replace(" ", "-"))

    assert (first.status_code, again.status_code) == (303, 403)


def test_the_app_s_first_code_signs_nobody_in_again(app, client, one):
    """RFC 6238 §5.2: it was spent by showing that the app works."""
    page = comes_to(client, one, "authenticator")
    code = app_of(page).now()
    submit(client, f"{START}/authenticator", one_time_code=code)
    other = a_visitor(app.test_client(), "vi")
    submit(other, "/sign-in", national_id=one.number, password=CHOSEN)

    assert submit(other, "/sign-in/code", one_time_code=code).status_code == 403


@pytest.mark.parametrize("query", ["?request=0198aa-x_Y", "?next=%2Fmy%2Fconsents"])
def test_the_way_back_is_carried_through_every_page(client, one, query):
    codes = activates(client, one, query)

    assert codes
    token = form_token(client.get(START + query))
    again = client.post(f"{START}/recovery-codes{query}", data={"csrf_token": token})
    assert again.location in {"/authorize?request=0198aa-x_Y", "/my/consents"}


def test_a_form_sent_twice_goes_on(client, one):
    """An impatient finger."""
    comes_to(client, one, "recovery-codes")
    form = hidden(client.get(f"{START}/recovery-codes"))

    first, second = (client.post(f"{START}/recovery-codes", data=form) for _ in range(2))

    assert first.location == second.location == "/my"


def test_one_may_go_back_and_choose_the_other_factor(client, one):
    app = app_of(comes_to(client, one, "authenticator"))
    codes = codes_of(chooses(client, "recovery-codes"))

    wrong_page = client.get(f"{START}/authenticator")
    submit(client, f"{START}/recovery-codes")

    assert wrong_page.location == f"{START}/second-factor"
    assert len(codes) == 10
    submit(client, "/sign-in?request=x", national_id=one.number, password=CHOSEN)
    assert submit(client, "/sign-in/code", one_time_code=app.now()).status_code == 403


def test_a_choice_sent_twice_shows_the_same_codes(client, one):
    """The page that somebody reads may be the first one's."""
    first = codes_of(comes_to(client, one, "recovery-codes"))

    again = codes_of(chooses(client, "recovery-codes"))
    chooses(client, "authenticator")
    back = codes_of(chooses(client, "recovery-codes"))

    assert first == again == back
    assert len(set(first)) == 10


def test_of_many_choices_at_once_all_show_one_secret(app, client, one):
    proves_letter(client, one)
    chooses_password(client)
    form = hidden(client.get(f"{START}/second-factor")) | {"factor": "authenticator"}

    def send(other):
        other.post(f"{START}/second-factor", data=form)
        return app_of(other.get(f"{START}/authenticator")).secret

    with ThreadPoolExecutor(4) as pool:
        secrets = set(pool.map(send, [same_browser(app, client) for _ in range(4)]))

    assert len(secrets) == 1


def test_codes_of_another_page_are_not_confirmed(app, client, one):
    """Begun again in a second window: the first one still shows what will never count."""
    first = comes_to(client, one, "recovery-codes")
    second = codes_of(comes_to(client, one, "recovery-codes"))

    refused = client.post(f"{START}/recovery-codes", data=hidden(first))

    assert (refused.status_code, codes_of(refused)) == (409, second)
    assert not has_password(one.person)
    done = client.post(f"{START}/recovery-codes", data=hidden(refused))
    assert done.status_code == 303
    other = a_visitor(app.test_client(), "vi")
    submit(other, "/sign-in", national_id=one.number, password=CHOSEN)
    assert submit(other, "/sign-in/code", one_time_code=codes_of(first)[0]).status_code == 403
    assert submit(other, "/sign-in/code", one_time_code=second[0]).status_code == 303


def test_no_step_can_be_left_out(client, one):
    proves_letter(client, one)

    assert client.get(f"{START}/second-factor").location == f"{START}/password"
    assert client.get(f"{START}/authenticator").location == f"{START}/second-factor"
    assert client.get(f"{START}/recovery-codes").location == f"{START}/second-factor"
    token = form_token(client.get(f"{START}/password"))
    chosen = client.post(
        f"{START}/second-factor", data={"csrf_token": token, "factor": "recovery-codes"}
    )
    assert chosen.location == f"{START}/password"
    assert not has_password(one.person)


def test_whoever_is_interrupted_begins_again_with_the_same_letter(app, client, one):
    """The letter is spent by the last step alone."""
    comes_to(client, one, "recovery-codes")
    other = a_visitor(app.test_client(), "vi")

    assert activates(other, one)
    late = submit(client, f"{START}/recovery-codes")
    assert late.status_code == 403
    assert 'id="letter-code"' in late.text


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        ("ngắn", "quá ngắn"),
        ("nguyen thi lan 1988", "tên, ngày sinh hoặc số"),
        ("matkhau12345", "hay được dùng"),
        ("aaaaaaaaaaaaaa", "mẫu dễ đoán"),
    ],
)
def test_a_weak_password_is_told_what_to_do_beside_its_field(client, one, weak, why):
    proves_letter(client, one)

    answer = chooses_password(client, weak)

    assert answer.status_code == 400
    assert '<a href="#new-password">' in answer.text
    assert why in answer.text


def test_letters_are_for_who_has_no_password(app):
    """And nothing tells whether a letter exists."""
    active = lan()
    with pytest.raises(IndexError):
        a_letter(active)

    answer = proves_letter(
        a_visitor(app.test_client(), "vi"),
        type("N", (), {"number": active.national_id, "code": "1" * 16}),
    )

    assert answer.status_code == 403


class TestAttacker:
    def test_nobody_learns_who_exists_or_has_a_letter(self, app, one):
        """Unknown number, no letter, wrong code, activated: one page, word for word."""
        activated = a_newcomer()
        activates(a_visitor(app.test_client(), "vi"), activated)
        pages = set()
        for number, code in (
            ("097188999999", one.code),
            (lan().national_id, one.code),
            (one.number, "1111 2222 3333 4444"),
            (activated.number, activated.code),
        ):
            client = a_visitor(app.test_client(), "vi")
            answer = submit(client, START, national_id=number, letter_code=code)
            token = form_token(answer)
            pages.add((answer.status_code, answer.text.replace(token, "")))

        assert len(pages) == 1
        assert next(iter(pages))[0] == 403

    def test_a_letter_works_once(self, app, client, one):
        activates(client, one)

        again = proves_letter(a_visitor(app.test_client(), "vi"), one)

        assert again.status_code == 403
        assert types(one.person)[-1] == "activation:refused"

    def test_a_new_letter_ends_the_old_one_even_between_the_pages(self, app, client, one):
        comes_to(client, one, "recovery-codes")
        newer = a_letter(one.person)

        assert submit(client, f"{START}/recovery-codes").status_code == 403
        assert proves_letter(client, one).status_code == 403
        fresh = type(one)(one.person, newer)
        assert activates(a_visitor(app.test_client(), "vi"), fresh)

    def test_a_letter_ends_after_thirty_days(self, client, one):
        with time_machine.travel(clock.now() + timedelta(days=29)):
            assert proves_letter(client, one).status_code == 303
        with time_machine.travel(clock.now() + timedelta(days=31, hours=1)):
            assert proves_letter(client, one).status_code == 403

    def test_of_two_at_the_last_step_one_activates(self, app, one):
        """Single use is one conditional UPDATE (invariant 5)."""
        clients = [a_visitor(app.test_client(), "vi") for _ in range(2)]
        forms = []
        for client in clients:
            page = comes_to(client, one, "recovery-codes")
            forms.append(hidden(page))

        def send(client, form):
            return client.post(f"{START}/recovery-codes", data=form).status_code

        with ThreadPoolExecutor(2) as pool:
            found = sorted(pool.map(send, clients, forms))

        assert found == [303, 403]
        assert types(one.person).count("account:activated") == 1
        kept = select(RecoveryCode.digest).where(RecoveryCode.citizen_id == one.person.citizen_id)
        assert len(database.rows(kept)) == 10

    def test_the_number_s_budget_is_five_on_an_unknown_device(self, client, one):
        wrong = type(one)(one.person, "0000 0000 0000 0000")
        statuses = [proves_letter(client, wrong).status_code for _ in range(6)]

        assert statuses == [403] * 5 + [429]
        assert proves_letter(client, one).status_code == 429
        refused = [e for e in entries(one.person.citizen_id) if e.type == "activation:refused"]
        assert {entry.subject["reason"] for entry in refused} == {"letter", "throttled"}

    def test_a_stolen_letter_finds_no_owner_by_trying(self, app, one):
        """The code has a budget too, whatever number is tried with it."""
        statuses = []
        for n in range(21):
            client = a_visitor(app.test_client(), "vi")
            number = f"0981880{n:05d}"  # of nobody in any test
            statuses.append(
                submit(client, START, national_id=number, letter_code=one.code).status_code
            )

        assert statuses == [403] * 20 + [429]

    def test_another_browser_cannot_go_on(self, app, client, one):
        proves_letter(client, one)
        thief = a_visitor(app.test_client(), "vi")
        step = client.get_cookie("motlan-activation")
        thief.set_cookie("motlan-activation", step.value)

        answer = thief.get(f"{START}/password")

        assert answer.status_code == 403
        assert 'id="letter-code"' in answer.text

    def test_the_pages_wait_fifteen_minutes(self, client, one):
        comes_to(client, one, "recovery-codes")

        with time_machine.travel(clock.now() + timedelta(minutes=16)):
            answer = submit(client, f"{START}/recovery-codes")

        assert answer.status_code == 403
        assert not has_password(one.person)

    @pytest.mark.parametrize("status", ["locked", "deceased"])
    def test_a_barred_account_is_not_activated(self, client, one, status):
        gone = {"deceased_on": "2026-01-02"} if status == "deceased" else {}
        told = {"national_id": one.number, "status": status, **gone}
        comes_to(client, one, "recovery-codes")
        lan(password=None, one_time_code=None, **told)

        assert submit(client, f"{START}/recovery-codes").status_code == 403
        assert not has_password(one.person)

    def test_nothing_that_was_typed_or_shown_is_stored_as_it_is(self, client, one):
        """Only digests and sealed text."""
        codes = codes_of(comes_to(client, one, "recovery-codes"))
        mine = ActivationLetter.citizen_id == one.person.citizen_id
        letter = database.row(select(ActivationLetter.__table__).where(mine))
        waits = FactorSetup.citizen_id == one.person.citizen_id
        setup = database.row(select(FactorSetup.__table__).where(waits))
        kept = repr(letter) + repr(setup)

        assert not [code for code in (*codes, one.code, CHOSEN) if code in kept]
        assert not [code for code in (*codes, one.code) if code.replace(" ", "") in kept]

    def test_a_session_of_somebody_else_ends_here(self, client, one):
        """A shared machine: nobody is left signed in beside."""
        sign_in(client, lan())
        before = client.get_cookie("motlan-citizen").value
        activates(client, one)

        assert client.get_cookie("motlan-citizen").value != before
        assert is_signed_in(client)
