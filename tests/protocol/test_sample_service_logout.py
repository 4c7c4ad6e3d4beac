"""The sample service forgets who signed out: Back-Channel Logout 1.0 §2.5, RP-Initiated Logout."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from identity import settings
from identity.logout.back_channel import EVENT
from identity.signing import keys
from tests.sampling import Sample

pytestmark = pytest.mark.usefixtures("app")

RESIDENCE, LICENCE = "1.004222", "3.000347"
CALLBACKS = {RESIDENCE: "/callback", LICENCE: "/callback-2"}
GONE = "Chưa đăng nhập ở đây, hoặc đã đăng xuất."
HERE = "Người dân tự nộp giấy tờ."


@pytest.fixture
def sample(monkeypatch):
    return Sample(monkeypatch)


@pytest.fixture
def her(sample):
    """Her browser, signed in at both services."""
    browser = sample.browser()
    for code, callback in CALLBACKS.items():
        sample.sign_in(browser, sub=f"lan-at-{code}", sid=f"session-at-{code}", callback=callback)
    return browser


def is_known(browser, code=RESIDENCE):
    page = browser.get(f"/fetch/{code}").text
    assert (GONE in page) != (HERE in page)
    return HERE in page


def claims(**changed):
    now = int(time.time())
    said = {
        "iss": settings.current().issuer,
        "aud": "commune-police",
        "iat": now,
        "exp": now + 120,
        "jti": "one",
        "sub": f"lan-at-{RESIDENCE}",
        "sid": f"session-at-{RESIDENCE}",
        "events": {EVENT: {}},
    } | changed
    return {name: value for name, value in said.items() if value is not None}


def token(*, typ="logout+jwt", **changed):
    return keys.sign(claims(**changed), typ=typ, alg="ES256")


def tell(sample, logout_token, path="/back-channel-logout"):
    """The provider speaks, without any browser."""
    return sample.browser().post(path, data={"logout_token": logout_token})


def test_a_sign_out_ends_the_session_of_that_service_alone(sample, her):
    answer = tell(sample, token())

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert not is_known(her)
    assert is_known(her, LICENCE)


@pytest.mark.parametrize("named", ["sub", "sid"])
def test_either_name_is_enough(sample, her, named):
    """§2.4: `sub`, `sid` or both."""
    other = {"sub": "sid", "sid": "sub"}[named]

    assert tell(sample, token(**{other: None})).status_code == 200

    assert not is_known(her)


def test_another_sign_in_of_hers_stays(sample, her):
    assert tell(sample, token(sid="another-session")).status_code == 200

    assert is_known(her)


def test_a_button_signs_her_out_here_and_leads_to_the_provider(her):
    moved = her.post(f"/sign-out/{RESIDENCE}")

    address = urlsplit(moved.location)
    asked = parse_qs(address.query)
    assert moved.location.startswith(settings.current().issuer + "/end-session?")
    assert asked["id_token_hint"] == [f"the-id-token-of-session-at-{RESIDENCE}"]
    assert asked["post_logout_redirect_uri"] == ["http://localhost/"]
    assert not is_known(her)
    assert her.post(f"/sign-out/{RESIDENCE}").location == "/"


def test_a_new_key_of_the_provider_is_looked_for(sample):
    assert tell(sample, token()).status_code == 200
    assert tell(sample, token()).status_code == 200

    assert sample.fetched == 1


class TestAttacker:
    """Anybody reaches the address; only the provider's word ends a session."""

    @pytest.mark.parametrize(
        "changed",
        [
            {"iss": "https://evil.test"},
            {"aud": "traffic-police"},
            {"iss": None},
            {"aud": None},
            {"exp": 1_000_000_000},
            {"exp": None},
            {"iat": None},
            {"jti": None},
            {"events": None},
            {"events": {}},
            {"events": {EVENT: "yes"}},
            {"events": [EVENT]},
            {"nonce": "of an ID token"},
            {"sub": None, "sid": None},
            {"typ": "JWT"},
            {"typ": "at+jwt"},
        ],
        ids=str,
    )
    def test_another_token_of_the_provider_ends_nothing(self, sample, her, changed):
        """§2.6, line by line."""
        answer = tell(sample, token(**changed))

        assert (answer.status_code, answer.json) == (400, {"error": "invalid_request"})
        assert answer.headers["Cache-Control"] == "no-store"
        assert is_known(her)

    @pytest.mark.parametrize("bad", ["", "x", "a.b.c", "a.b.c.d.e", "é.é.é"])
    def test_what_is_no_token_ends_nothing(self, sample, her, bad):
        assert tell(sample, bad).status_code == 400
        assert is_known(her)

    def test_another_key_ends_nothing_and_is_asked_for_once(self, sample, her):
        header = {"alg": "ES256", "kid": "of-mine", "typ": "logout+jwt"}
        key = ECKey.generate_key("P-256", {"kid": "of-mine"})
        forged = jwt.encode(header, claims(), key)
        for _ in range(3):
            assert tell(sample, forged).status_code == 400
        assert is_known(her)
        assert sample.fetched == 1

    def test_the_other_service_does_not_hear_it(self, sample, her):
        assert tell(sample, token(), "/back-channel-logout-2").status_code == 400
        assert is_known(her, LICENCE)

    def test_a_provider_that_is_away_is_not_asked_for_each_stranger(self, sample):
        """Whoever invents tokens must not make of us one more who asks it just then."""
        sample.is_away = True

        statuses = [tell(sample, token()).status_code for _ in range(3)]

        assert (statuses, sample.fetched) == ([500, 400, 400], 1)
