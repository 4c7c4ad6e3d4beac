"""The token endpoint: RFC 6749 §3.2, §4.1.3, §4.4, §5; OpenID Connect Core §3.1.3."""

import uuid
from datetime import timedelta

import jwt
import pytest
import time_machine
from sqlalchemy import func, select

from identity import clock, database, rate, sealing, settings
from identity.authentication import sessions
from identity.database import transaction
from identity.granted import grants
from identity.granted.claims import sid
from identity.signing import keys
from identity.tokens import codes
from identity.trail import AccessEntry
from tests.at_once import at_once
from tests.offices import a_decision, about_scopes, an_office
from tests.people import lan, minh

pytestmark = pytest.mark.usefixtures("app")


def said_by(token):
    return jwt.decode(token, options={"verify_signature": False})


def marks(person):
    wanted = select(func.count()).where(
        AccessEntry.citizen_id == person.citizen_id, AccessEntry.type == "token:refused"
    )
    return database.row(wanted)[0]


def test_a_code_buys_an_access_token_and_an_id_token_that_name_the_sign_in(office):
    """OpenID Connect Core §3.1.3.3, RFC 9068 §2.2."""
    bought = office.sign_in(lan())

    access, identity = said_by(bought["access_token"]), said_by(bought["id_token"])
    assert bought["token_type"] == "Bearer"
    assert bought["expires_in"] <= 300
    assert access["aud"] == settings.current().issuer
    assert identity["aud"] == access["client_id"] == office.played.client_id
    assert identity["sub"] == access["sub"]
    assert identity["nonce"] == "n-1"
    assert {"at_hash", "auth_time", "sid"} <= set(identity)
    assert (identity["acr"], identity["amr"]) == ("vn:auth:2", ["pwd", "otp"])
    assert access["vn_account_level"] == 2
    assert "nonce" not in access


def test_of_two_codes_of_one_person_each_buys_its_own(office):
    """§4.1.3: the sign-in, the scope and the decisions in force that it was issued for."""
    person, decisions = lan(), [a_decision(), a_decision(uses_left=1)]
    over = (a_decision(uses_left=0), a_decision(until=clock.now()))
    scopes, tokens = ("openid", "openid offline_access"), []
    codes_of = [
        office.authorize(person, scope=scope, decisions=(one, *over))
        for scope, one in zip(scopes, decisions, strict=True)
    ]

    for code, scope, decision in zip(codes_of, scopes, decisions, strict=True):
        bought = office.redeem(code).json
        tokens.append(bought["refresh_token"])
        assert said_by(bought["id_token"])["sid"] == sid(code.session_id, office.service.id)
        (told,) = bought["authorization_details"]
        assert (bought["scope"], told["decision_id"]) == (scope, str(decision.decision_id))

    for code, left in zip(codes_of, ([False, True], [False, False]), strict=True):
        assert office.redeem(code).status_code == 400  # which ends what this one has bought
        assert [office.is_active(token) for token in tokens] == left


def test_an_answer_with_tokens_is_never_kept_on_the_way(office):
    """RFC 6749 §5.1."""
    answer = office.redeem(office.authorize(lan()))

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"


def test_granted_details_come_back_with_their_decision_and_move_the_audience(office):
    """RFC 9396 §7: and the token is meant for our API."""
    decision = a_decision()

    bought = office.sign_in(lan(), decisions=(decision,))

    expected = {
        "type": "vn_procedure",
        "procedure": "1.004222",
        "attributes": ["full_name", "permanent_address"],
        "basis": "request",
        "decision_id": str(decision.decision_id),
        "case": "H01-1",
    }
    assert bought["authorization_details"] == [expected]
    access = said_by(bought["access_token"])
    assert access["aud"] == settings.current().issuer + "/api"
    assert access["authorization_details"] == [expected]


def test_a_scope_nobody_decided_is_not_granted(office):
    """RFC 6749 §3.3: the scope that was granted is told."""
    bought = office.sign_in(
        lan(), scope="openid profile email", decisions=(about_scopes("name", "gender"),)
    )

    assert bought["scope"] == "openid profile"


def test_two_services_cannot_see_that_their_tokens_speak_of_one_person(client):
    """OpenID Connect Core §8.1: not by sub, sid or vn_ref."""
    person = lan()

    here, there = (an_office(client).sign_in(person) for _ in range(2))

    for kind, names in (("access_token", ("sub", "vn_ref")), ("id_token", ("sub", "sid"))):
        one, other = said_by(here[kind]), said_by(there[kind])
        assert all(one[name] != other[name] for name in names)


def test_a_code_used_twice_is_refused_and_ends_what_it_bought(office):
    """RFC 6749 §4.1.2."""
    person = lan()
    code = office.authorize(person)
    bought = office.redeem(code).json

    replay = office.redeem(code)

    assert (replay.status_code, replay.json["error"]) == (400, "invalid_grant")
    assert office.userinfo(bought["access_token"]).status_code == 401
    assert office.refresh(bought["refresh_token"]).json["error"] == "invalid_grant"
    assert marks(person) >= 1


@pytest.mark.slow
def test_of_sixteen_parallel_redemptions_at_most_one_succeeds_and_then_its_tokens_die(app, office):
    """Design §3: a code has no grace."""
    code = office.authorize(lan())
    offices = [type(office)(app.test_client(), office.played) for _ in range(16)]

    answers = at_once(lambda mine: mine.redeem(code), offices)

    won = [answer.json for answer in answers if answer.status_code == 200]
    assert len(won) <= 1
    assert {answer.status_code for answer in answers} <= {200, 400}
    for tokens in won:
        assert office.userinfo(tokens["access_token"]).status_code == 401
        assert not office.is_active(tokens["refresh_token"])


def test_a_code_older_than_a_minute_is_refused(office):
    """RFC 6749 §4.1.2; contract: 60 s."""
    codes_of = []
    for age in (61, 55):
        with time_machine.travel(clock.now() - timedelta(seconds=age)):
            codes_of.append(office.authorize(lan()))

    assert [office.redeem(code).status_code for code in codes_of] == [400, 200]


def test_a_wrong_try_spends_nothing(client, office):
    """Design §3: what must match stands in the WHERE."""
    code, stranger = office.authorize(lan()), an_office(client)

    tries = [
        stranger.redeem(code),
        office.redeem(code, redirect_uri=code.redirect_uri + "/"),
        office.redeem(code, code_verifier="x" * 43),
        office.redeem(code, code_verifier=None),
    ]

    assert {t.json["error"] for t in tries} == {"invalid_grant"}
    assert office.redeem(code).status_code == 200


def test_a_code_ends_with_the_session_it_was_issued_in(office):
    """Design §3: a sign-out leaves nothing to redeem."""
    person = lan()
    code = office.authorize(person)

    with transaction():
        grants.end_families(person.citizen_id, by="sign-out", session_id=code.session_id)

    assert office.redeem(code).json["error"] == "invalid_grant"


def test_the_end_of_a_session_ends_its_tokens_but_spares_offline_access(office):
    """OpenID Connect Core §11."""
    person = lan()
    code, offline = (
        office.authorize(person, scope=scope) for scope in ("openid", "openid offline_access")
    )
    bought, kept = office.redeem(code).json, office.redeem(offline).json

    with transaction():
        for session_id in (code.session_id, offline.session_id):
            sessions.end_one(person.citizen_id, session_id, by="sign-out")

    assert not office.is_active(bought["access_token"])
    assert office.refresh(bought["refresh_token"]).json["error"] == "invalid_grant"
    assert office.refresh(kept["refresh_token"]).status_code == 200


def test_signing_out_everywhere_ends_offline_access_too(office):
    """Design §3."""
    person = lan()
    bought = office.sign_in(person, scope="openid offline_access")

    with transaction():
        sessions.end_all(person.citizen_id, "lock")

    assert not office.is_active(bought["access_token"])
    assert not office.is_active(bought["refresh_token"])


def test_a_decision_that_ended_between_code_and_token_is_not_granted(office):
    """Design §4: the token says what stands when it is issued."""
    person, stays, goes = lan(), a_decision(), a_decision()
    code = office.authorize(person, decisions=(stays, goes))

    with transaction():
        grants.drop_decision(person.citizen_id, goes.decision_id)

    told = office.redeem(code).json["authorization_details"]
    assert [detail["decision_id"] for detail in told] == [str(stays.decision_id)]


def test_an_rs256_id_token_for_who_registered_so(client):
    """OpenID Connect Core §2: id_token_signed_response_alg."""
    office = an_office(client, id_token_signed_response_alg="RS256")

    token = office.sign_in(lan())["id_token"]

    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    assert keys.signing_keys().verified(
        token,
        typ=keys.ID_TOKEN,
        audience=(office.played.client_id,),
        issuer=settings.current().issuer,
        algorithms=("RS256",),
    )


def test_a_service_gets_a_token_for_itself_that_says_nothing_of_a_person(office):
    """RFC 6749 §4.4.3: no refresh token either."""
    bought = office.post("/token", grant_type="client_credentials").json

    access = said_by(bought["access_token"])
    assert access["sub"] == access["client_id"] == office.played.client_id
    assert not {"vn_ref", "acr", "auth_time"} & set(access)
    assert not {"refresh_token", "id_token"} & set(bought)
    assert office.is_active(bought["access_token"])


@pytest.mark.parametrize("scope", ["openid", "profile", "offline_access", "everything"])
def test_a_service_has_no_scope_of_persons_for_itself(office, scope):
    """RFC 6749 §5.2."""
    answer = office.post("/token", grant_type="client_credentials", scope=scope)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "openid"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_request"),
        (
            {"grant_type": "authorization_code", "code": "x", "redirect_uri": "https://a.test/"},
            "invalid_grant",
        ),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "ễ"}, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "a " * 600}, "invalid_request"),
    ],
)
def test_an_error_has_the_word_of_the_specification(office, form, error):
    """RFC 6749 §5.2."""
    answer = office.post("/token", **form)

    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_a_grant_type_that_was_not_registered_is_refused(client):
    """RFC 6749 §5.2."""
    office = an_office(client, grant_types=["authorization_code"])

    answer = office.post("/token", grant_type="client_credentials")

    assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")
    assert "refresh_token" not in office.sign_in(lan())


def test_a_get_is_no_token_request(client):
    """RFC 6749 §3.2."""
    assert client.get("/token").status_code == 405


class TestAttacker:
    """Security cases 2, 6, 7, 36."""

    def test_a_stolen_code_is_of_no_use_to_another_service(self, client, office):
        """Case 7; and the rightful owner is not disturbed."""
        code = office.authorize(lan())

        theft = an_office(client).redeem(code)

        assert theft.json["error"] == "invalid_grant"
        assert office.redeem(code).status_code == 200

    def test_a_spent_code_in_strange_hands_does_not_end_the_owners_session(self, client, office):
        """Else whoever reads an old code in a log could sign people out."""
        code = office.authorize(lan())
        bought = office.redeem(code).json

        an_office(client).redeem(code)
        office.redeem(code, code_verifier="y" * 43)
        office.redeem(code, redirect_uri="https://elsewhere.test/cb")

        assert office.userinfo(bought["access_token"]).status_code == 200

    def test_a_parameter_sent_twice_is_refused(self, office):
        """Case 2; RFC 6749 §3.2."""
        code = office.authorize(lan())
        body = (
            f"grant_type=authorization_code&code={code.text}&code={code.text}"
            f"&redirect_uri={code.redirect_uri}&code_verifier={code.verifier}"
        )

        answer = office.client.post(
            "/token",
            data=body,
            headers=office.played.basic(),
            content_type="application/x-www-form-urlencoded",
        )

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    def test_without_proof_of_who_asks_nothing_is_looked_at(self, client, office):
        """RFC 6749 §5.2: and the code is not spent."""
        code = office.authorize(lan())
        form = {"grant_type": "authorization_code", "code": code.text}

        answer = client.post("/token", data=form | {"client_id": office.played.client_id})

        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
        assert "WWW-Authenticate" in answer.headers
        assert office.redeem(code).status_code == 200

    def test_a_refresh_token_is_no_code_and_a_code_no_refresh_token(self, office):
        """Each handle opens for its own purpose only."""
        person = minh()
        code, bought = office.authorize(person), office.sign_in(person)

        assert office.refresh(code.text).json["error"] == "invalid_grant"
        crossed = office.redeem(code, code=bought["refresh_token"])
        assert crossed.json["error"] == "invalid_grant"

    @pytest.mark.parametrize("kind", ["code", "refresh_token"])
    def test_what_was_purged_is_refused_like_what_never_was(self, office, kind):
        """§5.2: a day after its end nothing is left of a code or token but its text."""
        purpose = {"code": codes.PURPOSE, "refresh_token": codes.REFRESH_PURPOSE}[kind]
        text, _digest = sealing.new_handle(minh().citizen_id, purpose)
        grant_type = {"code": "authorization_code"}.get(kind, kind)
        form = {"grant_type": grant_type, kind: text, "redirect_uri": "https://a.test"}

        for more in ({}, {"resource": settings.current().issuer}):
            answer = office.post("/token", **form, **more)
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
        assert not office.is_active(text)

    def test_no_refusal_repeats_what_was_sent(self, office):
        """Design §2.8."""
        secret = "geheim" + uuid.uuid4().hex

        for form in (
            {"grant_type": "authorization_code", "code": secret, "redirect_uri": "https://a.test"},
            {"grant_type": "refresh_token", "refresh_token": secret},
            {"grant_type": secret},
        ):
            assert secret not in office.post("/token", **form).text

    def test_a_runaway_service_is_slowed_down_and_the_others_are_not(
        self, client, office, monkeypatch
    ):
        """RFC 6585 §4."""
        monkeypatch.setattr(rate, "machines", rate.Limit(per_second=0.01, burst=2))
        form = {"grant_type": "client_credentials"}

        statuses = [office.post("/token", **form).status_code for _ in range(3)]

        assert statuses == [200, 200, 429]
        assert "Retry-After" in office.post("/token", **form).headers
        assert an_office(client).post("/token", **form).status_code == 200
