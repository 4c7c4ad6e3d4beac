"""Sign-out ends what is just being issued too (design §3), in the very order that would spare it.

Each order is forced: one side waits in the middle of its transaction for what the other does.
"""

import threading

import pytest
from sqlalchemy import select

from identity import clock, database
from identity.authentication import sessions
from identity.authentication.sessions import Proof
from identity.database import transaction
from identity.errors import InvalidGrant
from identity.granted import grants
from identity.granted.claims import Earned
from identity.granted.records import TokenFamily
from identity.tokens import codes
from identity.tokens.families import Asker
from identity.tokens.pkce import challenge_of
from tests.offices import VERIFIER
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")
A_WHILE = 0.4  # long enough for whoever is not held up


class Browser:
    """Somebody's session, and what one service does in it."""

    def __init__(self, office, person):
        self.service, self.person = office.service, person
        proof = Proof(person.citizen_id, b"b" * 32, 2, ("pwd", "otp"))
        with transaction():
            self.session_id = sessions.start(proof).session_id
            self.grant_id = grants.open_grant(
                citizen_id=person.citizen_id,
                actor_id=person.citizen_id,
                mandate_id=None,
                public_service_id=self.service.id,
                scope="openid",
            )

    def issue(self):
        """A code, as /authorize does it for a session that it found alive."""
        earned = Earned(
            acr="vn:auth:2", amr=("pwd",), auth_at=clock.now(), account_level=2, sid="s"
        )
        return codes.issue(
            codes.NewCode(
                citizen_id=self.person.citizen_id,
                grant_id=self.grant_id,
                public_service_id=self.service.id,
                session_id=self.session_id,
                redirect_uri=self.service.redirect_uris[0],
                code_challenge=challenge_of(VERIFIER),
                sub="a",
                scope="openid",
                earned=earned,
            )
        )

    def redeem(self, code):
        """A family for it, or the refusal."""
        sent = codes.Redemption(code, self.service.redirect_uris[0], VERIFIER)
        return codes.redeem(sent, Asker(self.service, "r"))

    def sign_out(self, how):
        """This browser only, or every one of the person's."""
        one = None if how == "everywhere" else self.session_id
        with transaction():
            sessions._end(self.person.citizen_id, one, by="sign-out")

    def living(self):
        """The families that nobody has ended."""
        family = TokenFamily
        return database.rows(
            select(family.id).where(
                family.citizen_id == self.person.citizen_id, family.ended_at.is_(None)
            )
        )


class Beside(threading.Thread):
    """Something that happens on another connection; what it raised is kept."""

    def __init__(self, act):
        super().__init__(target=self._run)
        self.act, self.raised = act, None
        self.start()

    def _run(self):
        try:
            self.act()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.raised = error


@pytest.fixture
def at_the_end():
    """What happens on other connections when a sign-out has done all but its commit."""
    acts = []
    sessions.on_end(lambda *_: [act() for act in acts])
    yield acts.append
    sessions._endings.pop()


@pytest.mark.postgresql
@pytest.mark.parametrize("how", ["here", "everywhere"])
def test_a_code_issued_and_redeemed_inside_a_sign_out_starts_nothing(office, at_the_end, how):
    browser, beside = Browser(office, lan()), []

    def slip_in():
        code = []
        issuing = Beside(lambda: code.append(browser.issue()))
        issuing.join()
        beside.append(Beside(lambda: browser.redeem(code[0])))
        beside[0].join(A_WHILE)

    at_the_end(slip_in)
    browser.sign_out(how)
    beside[0].join()

    assert isinstance(beside[0].raised, InvalidGrant)
    assert not browser.living()


@pytest.mark.parametrize("how", ["here", "everywhere"])
def test_a_sign_out_waits_for_a_redemption_that_was_first_and_ends_it(office, how):
    browser = Browser(office, lan())
    code = browser.issue()

    with transaction():
        browser.redeem(code)
        leaving = Beside(lambda: browser.sign_out(how))
        leaving.join(A_WHILE)
        assert leaving.is_alive()
    leaving.join()

    assert leaving.raised is None
    assert not browser.living()


@pytest.mark.parametrize("how", ["here", "everywhere"])
def test_a_code_issued_after_the_sign_out_is_good_for_nothing(office, how):
    """A request that had found the session alive may be slower than the sign-out.

    Nor does it help that the person has signed in elsewhere, and has a code there.
    """
    browser = Browser(office, lan())
    browser.sign_out(how)
    Browser(office, browser.person).issue()
    code = browser.issue()

    with pytest.raises(InvalidGrant) as refused:
        browser.redeem(code)

    assert refused.value.note == "code: signed out"
    assert not browser.living()


class TestAttacker:
    def test_a_code_of_a_session_that_never_was_is_good_for_nothing(self, office):
        browser = Browser(office, lan())
        browser.session_id = database.new_id()

        with pytest.raises(InvalidGrant):
            browser.redeem(browser.issue())

        assert not browser.living()
