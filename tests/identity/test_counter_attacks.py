"""Who tries what at the counter: other roles, other officers, oneself, numbers, clicks at once."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database
from identity.activation import letters
from identity.counter import give, look
from identity.counter.records import CounterLook
from identity.entry import NOBODY
from identity.requested import pending
from identity.requested.records import AuthorizationRequest
from identity.staff.records import Role
from tests.asking import a_sender, waiting
from tests.beginning import START, activates, comes_to, proves_letter
from tests.counter import HOME, a_clerk, last, later, posts, types
from tests.exchange import entries
from tests.forms import a_visitor
from tests.people import (
    ONE_TIME_CODE,
    PASSWORD,
    a_security_officer,
    barred,
    form_token,
    hidden,
    lan,
    minh,
    new_number,
    sign_in,
    sign_in_officer,
    submit,
)

NEW = "Thuyền về bến cũ chiều mưa"


@pytest.fixture
def client(app):
    return a_visitor(app.test_client(), "vi")


def select_request(request_id):
    return select(AuthorizationRequest).where(AuthorizationRequest.id == request_id)


class TestAttacker:
    @pytest.mark.parametrize("role", [r for r in Role if r is not Role.COUNTER_OFFICER], ids=str)
    def test_no_other_role_looks_anybody_up_or_gives_a_letter(self, app, clerk, person, role):
        clerk.compares(person)
        client = a_visitor(app.test_client(), "vi")
        sign_in_officer(client, a_security_officer(role=role))

        statuses = {
            client.get(HOME).status_code,
            posts(client, HOME, national_id=person.national_id, need="forgot_password").status_code,
            posts(client, clerk.looks[-1], answer="give").status_code,
        }

        assert statuses == {403}
        assert "letter:issued" not in types(person)

    def test_a_look_is_its_officer_s_alone(self, app, clerk, person):
        """A link that was passed on opens nothing, before and after the letter."""
        clerk.gives(person)
        other = a_clerk(app)

        seen = other.client.get(clerk.looks[-1])
        given = posts(other.client, clerk.looks[-1], answer="give")
        ended = posts(other.client, f"{clerk.looks[-1]}/printed")

        assert (seen.status_code, given.status_code) == (404, 404)
        assert ended.status_code == 303
        assert clerk.code()  # a stranger closed nothing

    def test_nobody_gives_themself_a_letter(self, app):
        """Nor does an officer whose number is told after the look."""
        person = lan()
        own = a_clerk(app, own_citizen_id=person.citizen_id)

        refused = own.looks_up(person.national_id)

        assert refused.status_code == 403
        told = last(person, "counter:refused")
        assert told.subject["reason"] == "own_account"
        assert "counter:looked" not in types(person)

    def test_a_look_ends_after_a_quarter_of_an_hour(self, clerk, person):
        clerk.compares(person)

        with later(timedelta(minutes=14)):
            clerk.client.get(HOME)  # the officer is still at work
        with later(timedelta(minutes=16)):
            answer = clerk.client.get(clerk.looks[-1])

        assert answer.status_code == 404

    def test_an_officer_who_tries_numbers_is_stopped(self, app, clerk, monkeypatch):
        monkeypatch.setattr(look, "MOST_LOOKS", 3)

        statuses = [clerk.looks_up(new_number()).status_code for _ in range(4)]

        assert statuses == [404, 404, 404, 429]
        told = [e for e in entries(NOBODY) if e.type == "counter:refused"]
        mine = [e for e in told if e.acting["actor"] == clerk.officer.id.hex]
        assert [e.subject["reason"] for e in mine] == ["throttled"]
        assert a_clerk(app).looks_up(new_number()).status_code == 404

    def test_few_letters_an_hour_and_few_for_one_person(self, app, clerk, person, monkeypatch):
        """Neither a counter that prints letters for a town, nor letters without end for one."""
        monkeypatch.setattr(give, "MOST_LETTERS", 1)
        clerk.gives(person)
        clerk.compares(minh())
        assert clerk.decides("give").status_code == 429

        for _ in range(2):
            a_clerk(app).gives(person)
        late = a_clerk(app)
        late.compares(person)
        assert late.decides("give").status_code == 429
        assert types(person).count("letter:issued") == 3
        assert last(person, "counter:refused").subject["reason"] == "throttled"

    def test_of_two_clicks_at_once_one_gives(self, app, clerk, person):
        """Single use is one conditional UPDATE (invariant 5)."""
        clerk.compares(person)
        token = form_token(clerk.client.get(clerk.looks[-1]))
        cookies = {n: clerk.client.get_cookie(f"motlan-{n}").value for n in ("staff", "browser")}

        def press(_n):
            client = app.test_client()
            for name, value in cookies.items():
                client.set_cookie(f"motlan-{name}", value)
            form = {"csrf_token": token, "answer": "give"}
            return client.post(clerk.looks[-1], data=form).status_code

        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(press, range(2)))

        assert statuses == [303, 303]
        assert types(person).count("letter:issued") == 1
        assert clerk.code()

    def test_a_choice_that_a_thief_began_ends_with_the_recovery(self, app, clerk, client, person):
        """Who had password and code was choosing a new factor when the owner came back."""
        thief = a_visitor(app.test_client(), "vi")
        one = clerk.gives(person)
        with later():
            sign_in(thief, person)
            proof = {"password": PASSWORD, "one_time_code": ONE_TIME_CODE}
            begun = submit(thief, "/my/security/second-factor", factor="recovery-codes", **proof)
            form = hidden(thief.get(begun.location))
            activates(client, one)

            assert thief.post(begun.location, data=form).status_code == 303  # to sign in
        assert "factor:changed" not in types(person)

    def test_of_a_recovery_and_a_new_password_at_once_one_counts(self, app, clerk, client, person):
        """The owner changes the password while somebody uses the letter: whoever is first."""
        owner, one = a_visitor(app.test_client(), "vi"), clerk.gives(person)
        with later():
            sign_in(owner, person)
            codes = comes_to(client, one, "recovery-codes")
            new = {"password": PASSWORD, "new_password": NEW, "repeated": NEW}
            new["csrf_token"] = form_token(owner.get("/my/security/password"))
            sent = (
                (client, f"{START}/recovery-codes", hidden(codes), "/my"),
                (owner, "/my/security/password", new, "/my/security"),
            )

            def send(who, path, form, done):
                answer = who.post(path, data=form)
                return (answer.status_code, answer.location) == (303, done)

            with ThreadPoolExecutor(2) as pool:
                found = list(pool.map(send, *zip(*sent, strict=True)))

        assert found.count(True) == 1, found
        assert ("account:recovered" in types(person)) is found[0]

    @pytest.mark.parametrize("what", ["stopped", "newer", "locked", "password"])
    def test_what_ends_the_letter_ends_a_way_begun_with_it(self, app, clerk, client, person, what):
        """Somebody has come to the last page when the owner, or the counter, ends the letter."""
        owner, one = a_visitor(app.test_client(), "vi"), clerk.gives(person)
        with later():
            codes = comes_to(client, one, "recovery-codes")
            sign_in(owner, person)
            if what == "stopped":
                posts(owner, "/my/security/letter/void")
            elif what == "newer":
                a_clerk(app).gives(person)
            elif what == "locked":
                barred(person, "locked")
            else:
                new = {"password": PASSWORD, "new_password": NEW, "repeated": NEW}
                submit(owner, "/my/security/password", **new)

            done = client.post(f"{START}/recovery-codes", data=hidden(codes))

            assert done.status_code == 403
            assert client.get("/my").status_code == 303
        assert "account:recovered" not in types(person)

    def test_a_letter_of_before_opens_nothing_after_the_newer_one(self, app, clerk, client, person):
        first, second = clerk.gives(person), a_clerk(app).gives(person)

        with later():
            assert proves_letter(client, first).status_code == 403
            assert activates(client, second)
            assert proves_letter(a_visitor(app.test_client(), "vi"), second).status_code == 403

    def test_a_letter_ends_after_fourteen_days(self, clerk, client, person):
        one = clerk.gives(person)

        with later(timedelta(days=15)):
            assert proves_letter(client, one).status_code == 403

    def test_nobody_stops_another_s_letter(self, clerk, client, person):
        clerk.gives(person)
        sign_in(client, minh())

        posts(client, "/my/security/letter/void")

        assert letters.good_letter(person.citizen_id) is not None

    def test_what_is_printed_is_kept_sealed_and_goes(self, clerk, person):
        one = clerk.gives(person)
        mine = select(CounterLook.__table__).where(CounterLook.id == clerk.look_id)
        kept = repr(database.row(mine))

        assert one.code not in kept
        assert one.code.replace(" ", "") not in kept
        posts(clerk.client, f"{clerk.looks[-1]}/printed")
        assert database.row(mine).sealed_letter is None

    def test_a_request_waits_for_an_hour_at_most_and_in_its_browser(self, client):
        """However often somebody begins anew with a letter; and nobody else makes it wait."""
        sender = a_sender(client)
        request_id = uuid.UUID(waiting(sender.ask()))
        digest = database.row(select_request(request_id)).browser_digest
        until = clock.now() + timedelta(minutes=15)

        pending.wait(request_id, b"another", until=until)
        unmoved = database.row(select_request(request_id)).expires_at
        pending.wait(request_id, digest, until=until)
        moved = database.row(select_request(request_id)).expires_at
        pending.wait(request_id, digest, until=until + timedelta(hours=1))

        assert unmoved < until < moved
        assert database.row(select_request(request_id)).expires_at == moved

    def test_nothing_else_waits_and_nothing_that_is_over(self, client):
        """Not another request of the browser, nor one answered or late; and none is over sooner."""
        sender = a_sender(client)
        chosen, answered, beside = (uuid.UUID(waiting(sender.ask())) for _ in range(3))
        before = {one: database.row(select_request(one)) for one in (chosen, answered, beside)}
        (digest,) = {row.browser_digest for row in before.values()}
        pending.answer(answered)

        pending.wait(chosen, digest, until=clock.now() - timedelta(minutes=5))
        unmoved = database.row(select_request(chosen)).expires_at
        for one in (chosen, answered):
            pending.wait(one, digest, until=clock.now() + timedelta(minutes=15))
        with time_machine.travel(before[beside].expires_at + timedelta(seconds=1)):
            pending.wait(beside, digest, until=clock.now() + timedelta(minutes=5))

        after = {one: database.row(select_request(one)).expires_at for one in before}
        assert unmoved == before[chosen].expires_at < after[chosen]
        assert after[answered] == before[answered].expires_at
        assert after[beside] == before[beside].expires_at
