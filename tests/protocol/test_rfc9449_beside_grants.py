"""A proof beside a code or a refresh token: RFC 9449 §11.1, decision 0044."""

import threading

import pytest

from identity import settings
from identity.polled.ways import DEVICE
from tests.people import lan
from tests.proving import Holder, bound, redeemed, refreshed

pytestmark = pytest.mark.usefixtures("app")
SPENT, DEAD = (400, "invalid_dpop_proof"), (400, "invalid_grant")


def refreshing(token):
    return {"grant_type": "refresh_token", "refresh_token": token}


def redeeming(code):
    return {
        "grant_type": "authorization_code",
        "code": code.text,
        "redirect_uri": code.redirect_uri,
        "code_verifier": code.verifier,
    }


def polling(told):
    return {"grant_type": DEVICE, "device_code": told["device_code"]}


def sent(office, form, proof):
    """How the token endpoint takes this form with this very proof."""
    return office.client.post("/token", data=form, headers=office.played.basic() | proof)


def error(answer):
    return answer.status_code, answer.json["error"]


class TestAttacker:
    """Whoever saw a request repeats it, or takes its proof for another."""

    def test_a_refresh_repeated_as_a_whole_ends_nothing(self, office, holder):
        """Without a proof it would be the grace answer, and later the end of the family."""
        form = refreshing(bound(office, holder)["refresh_token"])
        proof = holder.proof("POST", "/token")
        first = sent(office, form, proof)
        after = refreshed(office, holder, first.json["refresh_token"])

        again = sent(office, form, proof)

        assert (first.status_code, after.status_code) == (200, 200)
        assert error(again) == SPENT
        assert refreshed(office, holder, after.json["refresh_token"]).status_code == 200

    def test_a_code_repeated_as_a_whole_ends_nothing(self, office, holder):
        """The tokens that it bought go on."""
        bound(office, holder)
        form, proof = redeeming(office.authorize(lan())), holder.proof("POST", "/token")
        bought = sent(office, form, proof)

        again = sent(office, form, proof)

        assert error(again) == SPENT
        assert office.is_active(bought.json["access_token"])

    def test_a_proof_that_was_spent_spends_no_code_and_no_token(self, office, holder):
        """What it was shown with again is as good as before."""
        token, code = bound(office, holder)["refresh_token"], office.authorize(lan())
        proof = holder.proof("POST", "/token")
        assert sent(office, {"grant_type": "client_credentials"}, proof).status_code == 200

        assert error(sent(office, refreshing(token), proof)) == SPENT
        assert error(sent(office, redeeming(code), proof)) == SPENT

        assert refreshed(office, holder, token).status_code == 200
        assert redeemed(office, holder, code).status_code == 200

    def test_a_proof_that_was_spent_spends_no_device_code(self, television, phone):
        """Nor one that has its answer, and could be polled for by nobody else then."""
        holder, basic = Holder(television.client), television.played.basic()
        for_nonce, waiting, allowed = (television.begin().json for _ in range(3))
        television.allowed_by(phone)
        holder.send("POST", "/token", data=polling(for_nonce), headers=basic)
        proof = holder.proof("POST", "/token")
        assert error(sent(television, polling(waiting), proof)) == (400, "authorization_pending")

        assert error(sent(television, polling(allowed), proof)) == SPENT

        bought = holder.send("POST", "/token", data=polling(allowed), headers=basic)
        assert (bought.status_code, bought.json["token_type"]) == (200, "DPoP")

    def test_who_was_refused_has_spent_the_proof(self, office, holder):
        """A guess at a verifier costs a signature."""
        bound(office, holder)
        code, proof = office.authorize(lan()), holder.proof("POST", "/token")
        wrong = redeeming(code) | {"code_verifier": "w" * 43}

        assert error(sent(office, wrong, proof)) == DEAD
        assert error(sent(office, redeeming(code), proof)) == SPENT
        assert redeemed(office, holder, code).status_code == 200

    def test_who_was_refused_a_resource_has_spent_the_proof(self, office, holder):
        """RFC 8707 §2.2: what a grant is for costs a signature for each guess."""
        userinfo = (settings.current().issuer,)
        token = bound(office, holder, resources=userinfo)["refresh_token"]
        code = office.authorize(lan(), resources=userinfo)

        for form in (refreshing(token), redeeming(code)):
            proof = holder.proof("POST", "/token")
            elsewhere = form | {"resource": settings.current().api_audience}
            assert error(sent(office, elsewhere, proof)) == (400, "invalid_target")
            assert error(sent(office, elsewhere, proof)) == SPENT
            assert error(sent(office, form, proof)) == SPENT

    def test_of_one_proof_with_many_tokens_at_once_one_is_taken(self, app, office, holder):
        """The others are as they were: nothing was rotated for a proof that was gone."""
        tokens = [bound(office, holder)["refresh_token"] for _ in range(4)]
        headers = office.played.basic() | holder.proof("POST", "/token")
        told = {}

        def show(token):
            answer = app.test_client().post("/token", data=refreshing(token), headers=headers)
            told[token] = answer.status_code

        threads = [threading.Thread(target=show, args=[token]) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(told.values()) == [200, 400, 400, 400]
        left = [token for token, status in told.items() if status != 200]
        assert [refreshed(office, holder, token).status_code for token in left] == [200] * 3


def test_of_many_proofs_with_one_token_at_once_all_get_the_same_successor(app, office, holder):
    """The grace answer (design §3): who comes second spends a proof of its own."""
    form = refreshing(bound(office, holder)["refresh_token"])
    proofs, seen = [holder.proof("POST", "/token") for _ in range(8)], []

    def show(proof):
        headers = office.played.basic() | proof
        seen.append(app.test_client().post("/token", data=form, headers=headers).json)

    threads = [threading.Thread(target=show, args=[proof]) for proof in proofs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({told.get("refresh_token") for told in seen}) == 1
    assert [error(sent(office, form, proof)) for proof in proofs] == [SPENT] * 8
