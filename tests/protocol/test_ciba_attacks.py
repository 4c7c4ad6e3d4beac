"""CIBA, security case 67: who would find people, wear them down, or take their answer."""

import shutil

import pytest
import time_machine

from identity import clock
from identity import settings as settings_module
from identity.ciba.asking import LIFETIME
from identity.polled import pace
from identity.polled.ways import CIBA
from tests.asking import Sender, answered
from tests.at_once import at_once
from tests.backchannel import Desk, a_desk, allow, answer, page_of
from tests.people import barred, form_token, lan, minh, new_number, sign_in
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("catalogues")


class TestAttacker:
    """A desk that types numbers, a neighbour at the phone, a service that listens in."""

    def test_a_number_of_nobody_is_answered_as_everybodys(self, desk, person):
        """No counter finds out who exists: decision 0037."""
        locked = lan()
        barred(locked, "locked")
        answers = []
        for number in (person.national_id, locked.national_id, new_number()):
            told = desk.ask(login_hint=number)
            length = len(told.json["auth_req_id"])
            answers.append((told.status_code, told.json.keys(), length, desk.error(), desk.error()))

        assert answers[0] == answers[1] == answers[2]
        assert answers[0][3:] == ("authorization_pending", "slow_down")

    def test_nobody_is_asked_without_end(self, desk, person):
        """Five times in a quarter of an hour by one service; a number of nobody counts the same."""
        for number in (person.national_id, new_number()):
            told = [desk.ask(login_hint=number).status_code for _ in range(6)]
            assert told == [200] * 5 + [429]

    def test_one_service_leaves_room_for_another(self, app, desk, person):
        for _ in range(6):
            desk.ask(person)

        assert a_desk(app).ask(person).status_code == 200

    @pytest.mark.sqlite
    def test_many_services_together_do_not_wear_a_person_down(self, app, person):
        """Twenty in an hour, whoever asks."""
        told = [a_desk(app).ask(person).status_code for _ in range(21)]

        assert told == [200] * 20 + [429]

    @pytest.mark.sqlite
    def test_a_service_asks_a_hundred_people_a_minute(self, desk):
        told = [desk.ask(login_hint=new_number()).status_code for _ in range(101)]

        assert told == [200] * 100 + [429]

    def test_an_answer_is_good_once(self, desk, person, phone):
        """And its second use ends what the first has bought."""
        desk.ask(person)
        allow(phone)
        bought = desk.poll().json["access_token"]

        assert desk.error() == "invalid_grant"
        bearer = {"Authorization": f"Bearer {bought}"}
        assert phone.get("/userinfo", headers=bearer).status_code == 401

    def test_of_many_polls_at_once_one_is_served(self, app, desk, person, phone):
        """Single use is one UPDATE: each request has its own connection."""
        desk.ask(person)
        allow(phone)
        others = [Desk(app.test_client(), desk.played, desk.told) for _ in "1234"]

        answers = at_once(lambda one: one.poll().status_code, others)

        assert sorted(answers) == [200, 400, 400, 400]

    def test_another_service_gets_nothing_for_it(self, app, desk, person, phone):
        """CIBA Core §11: bound to whom it was given to; the try costs nothing."""
        desk.ask(person)
        allow(phone)
        other = a_desk(app)

        assert other.error(auth_req_id=desk.told["auth_req_id"]) == "invalid_grant"
        assert other.error(auth_req_id="x" * 100) == "invalid_grant"
        assert desk.poll().status_code == 200

    @pytest.mark.parametrize("answered", [None, "deny"])
    def test_another_service_does_not_hear_how_it_stands(self, app, desk, person, phone, answered):
        """CIBA Core §11: for a stranger there is no such request, waiting or refused."""
        desk.ask(person)
        if answered is not None:
            answer(phone, answered)

        other = a_desk(app)

        assert other.error(auth_req_id=desk.told["auth_req_id"]) == "invalid_grant"
        assert other.error(auth_req_id=desk.told["auth_req_id"]) == "invalid_grant"

    @pytest.mark.parametrize(("chosen", "heard"), [("allow", 200), ("deny", 400)])
    def test_an_answer_is_for_one_request(self, app, desk, person, phone, chosen, heard):
        """What waits beside it for the same person goes on waiting."""
        beside = Desk(app.test_client(), desk.played)
        beside.ask(person)
        desk.ask(person)

        moved = answer(phone, chosen)  # the newest
        assert phone.get(moved.location).status_code in {200, 303}

        assert desk.poll().status_code == heard
        assert beside.error() == "authorization_pending"

    def test_what_is_over_is_not_answered(self, desk, person, phone):
        """CIBA Core §11: neither from its page, nor from what was begun there in time."""
        desk.ask(person)
        page, begun = page_of(phone), clock.now()
        with time_machine.travel(begun + LIFETIME * 0.9, tick=True):
            waits = answer(phone, "allow", page=page)

        with time_machine.travel(begun + LIFETIME, tick=True):
            assert answer(phone, "deny", page=page).status_code == 404
            assert phone.get(waits.location).status_code == 409
            assert desk.error() == "expired_token"

    @pytest.mark.sqlite
    @pytest.mark.parametrize("method", ["client_secret_basic", "none"])
    def test_who_is_not_registered_for_it_asks_nobody(self, app, person, method):
        """CIBA Core §13: unauthorized_client."""
        other = Desk(app.test_client(), a_service(token_endpoint_auth_method=method))
        named = {} if other.played.secret else {"client_id": other.played.client_id}

        told = other.client.post(
            "/bc-authorize",
            data={"scope": "openid", "login_hint": person.national_id} | named,
            headers=other.played.basic() if other.played.secret else {},
        )

        assert (told.status_code, told.json["error"]) == (400, "unauthorized_client")
        assert not other.kept()

    def test_an_id_token_leads_to_nobody_but_whom_it_names(self, app):
        """CIBA Core §7.1: of two who have signed in at the service, each is asked on their own."""
        played = a_service(
            grant_types=["authorization_code", CIBA], backchannel_token_delivery_mode="poll"
        )
        desk, hints = Desk(app.test_client(), played), []
        for somebody in (lan(), minh()):
            phone = app.test_client()
            sign_in(phone, somebody)
            sender = Sender(phone, played)
            hints.append((phone, sender.redeem(answered(sender.ask())["code"]).json["id_token"]))

        for phone, hint in hints:
            assert desk.ask(id_token_hint=hint).status_code == 200
            assert allow(phone).location == "/my/requests/allowed"
            assert desk.poll().status_code == 200

    def test_who_is_hasty_slows_nobody_else(self, app, desk, person):
        """CIBA Core §11: another desk that asks the same person polls as before."""
        beside = a_desk(app)
        beside.ask(person)
        desk.ask(person)

        assert [desk.error(), desk.error()] == ["authorization_pending", "slow_down"]

        assert desk.kept()[0].interval_seconds > pace.INTERVAL
        assert beside.kept()[0].interval_seconds == pace.INTERVAL

    def test_somebody_elses_request_is_not_there(self, app, desk, person, phone):
        """Its page, its list, its form: another person finds nothing."""
        desk.ask(person)
        page = page_of(phone)
        neighbour = app.test_client()
        sign_in(neighbour, minh())

        assert neighbour.get(page.request.path).status_code == 404
        assert page.request.path not in neighbour.get("/my/requests").text
        mine = form_token(neighbour.get("/sign-out"))
        told = {"csrf_token": mine, "answer": "allow"}
        assert neighbour.post(page.request.path, data=told).status_code == 404
        assert desk.error() == "authorization_pending"

    def test_who_takes_the_phone_over_gives_nobodys_answer(self, desk, person, phone):
        """Allowed, and before it is done somebody else signs in in that browser."""
        desk.ask(person)
        moved = answer(phone, "allow").location
        token = form_token(phone.get("/sign-out"))
        phone.post("/sign-out", data={"csrf_token": token})
        sign_in(phone, minh())

        again = phone.get(moved)

        assert again.location == "/my/requests/refused"
        assert desk.error() == "access_denied"

    def test_what_was_answered_is_not_answered_again(self, app, desk, person, phone):
        """Two phones of one person: the first answer counts."""
        desk.ask(person)
        second = app.test_client()
        sign_in(second, person)
        page = page_of(second)
        waits = answer(second, "allow", page=page).location
        assert answer(phone, "deny").status_code == 303

        assert second.get(waits).status_code == 409
        assert answer(second, "allow", page=page).status_code == 404
        assert desk.error() == "access_denied"

    def test_a_sign_out_ends_what_was_not_fetched(self, desk, person, phone):
        desk.ask(person)
        allow(phone)
        token = form_token(phone.get("/sign-out"))
        phone.post("/sign-out", data={"csrf_token": token})

        assert desk.error() == "invalid_grant"

    def test_the_person_finds_it_in_their_log(self, desk, person, phone):
        for chosen, kind in (("allow", "remote:allowed"), ("deny", "remote:refused")):
            desk.ask(person)
            phone.get(answer(phone, chosen).location)
            assert kind in desk.entries_of(person)


class TestSandbox:
    """`POST /test/ciba`: an answer for people who are invented, and nowhere but in a sandbox."""

    @staticmethod
    def tell(client, desk, chosen="allow"):
        told = {"token": desk.told["auth_req_id"], "type": chosen}
        return client.post("/test/ciba", query_string=told).status_code

    def test_the_answer_is_as_if_the_person_had_given_it(self, app, desk, person):
        desk.ask(person)
        assert self.tell(app.test_client(), desk) == 204
        assert desk.poll().status_code == 200
        desk.ask(person)
        assert self.tell(app.test_client(), desk, "deny") == 204
        assert desk.error() == "access_denied"
        assert self.tell(app.test_client(), desk) == 404

    def test_nobody_answers_for_who_could_be_real(self, app, desk):
        """A number of a province, or of nobody at all; nor what only a page can ask."""
        real = lan(national_id="001188" + new_number()[6:])
        for told in ({"login_hint": real.national_id}, {"login_hint": new_number()}):
            desk.ask(**told)
            assert self.tell(app.test_client(), desk) == 404
        desk.ask(lan(), scope="openid profile")
        assert self.tell(app.test_client(), desk) == 400
        desk.ask(lan())
        assert self.tell(app.test_client(), desk, "perhaps") == 400
        assert desk.error() == "authorization_pending"

    def test_without_the_demo_there_is_no_such_address(self, another_app, settings, tmp_path):
        shutil.copytree(settings.secrets, tmp_path / "secrets")
        plain = another_app(
            settings_module.read(
                {"MOTLAN_HOME": str(tmp_path), "MOTLAN_DATABASE_URL": settings.database_url}
            )
        )

        told = {"token": "x", "type": "allow"}
        assert plain.test_client().post("/test/ciba", query_string=told).status_code == 404
        assert not [door for door in plain.extensions["motlan.doors"] if "/test/ciba" in door]
