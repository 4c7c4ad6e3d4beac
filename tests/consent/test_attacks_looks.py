"""What services and other citizens could learn or take together (cases 45, 48, 52, 53, 55)."""

import base64
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from identity import database
from identity.granted.gate import TokenRef
from tests.deciding import an_asking_service, detail, signed_in, words
from tests.exchange import ask, decision, entries, give, sign
from tests.people import form_token, lan, minh
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")

# When something happened is the same for everybody who was there; OpenID Connect tells it.
TIMES = {"iat", "exp", "nbf", "auth_time", "as_of", "Date"}
# Another in every answer, whatever was asked.
OF_REQUESTS = ("X-Request-Id", "x-fapi-interaction-id")
SIGNED = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def pieces(told, name=""):
    """Every text and number in it, however deep, also inside signed texts; no times."""
    if name in TIMES:
        return set()
    if isinstance(told, dict):
        return set().union(*(pieces(value, key) for key, value in told.items()), set())
    if isinstance(told, list | tuple):
        return set().union(*(pieces(value) for value in told), set())
    found = {(name, str(told))}
    if isinstance(told, str) and SIGNED.fullmatch(told):
        for part in told.split(".")[:2]:
            found |= pieces(json.loads(base64.urlsafe_b64decode(part + "==")))
    return found


def everything(citizen, service, attribute):
    """All that one service is ever told about one person: sign-in, fetch, errors, withdrawal."""
    client = citizen.client
    page = citizen.is_asked(service, detail(attribute, case=f"{service.client_id}-1"))
    assert page.allow().status_code == 303
    bought = page.redeem(service)
    bearer = {"Authorization": f"Bearer {bought['access_token']}"}
    decision_id = bought["authorization_details"][0]["decision_id"]

    def fetch(**body):
        return client.post("/api/attributes", json=body, headers=bearer)

    answers = [fetch(), fetch(attributes=["religion"]), fetch(case="of-somebody-else")]
    introspected = client.post(
        "/introspect", data={"token": bought["access_token"]}, headers=service.basic()
    )
    path = f"/my/consents/{decision_id}/withdraw"
    done = client.post(path, data={"csrf_token": form_token(client.get(path))})
    assert done.status_code == 303
    answers += [introspected, fetch(), client.get("/userinfo", headers=bearer)]
    assert [answer.status_code for answer in answers] == [200, 403, 403, 200, 403, 401]
    text = json.dumps(bought) + "".join(answer.text + str(answer.headers) for answer in answers)
    told = pieces([bought, *(answer.json for answer in answers)])
    for answer in answers:
        told |= {(name, value) for name, value in answer.headers if name not in TIMES}
    return told, text


class TestAttacker:
    def test_two_services_have_nothing_by_which_to_join_what_they_know(self, app):
        """Case 53: `sub`, decision, entry, promise, headers and errors, all of it compared."""
        one, other = an_asking_service(), an_asking_service()
        people = [signed_in(app.test_client(), person) for person in (lan(), minh())]

        told = {
            person.person.full_name: [
                everything(person, one, "full_name"),
                everything(person, other, "date_of_birth"),
            ]
            for person in people
        }

        (hers_one, _), (hers_other, text) = told["Nguyễn Thị Lan"]
        his = set().union(*(known for known, _ in told["Trần Văn Minh"]))
        # What both know of her and nobody knows of him would be her name for both.
        assert hers_one & hers_other - his == set()
        assert len(hers_one) > 30
        assert "Nguyễn Thị Lan" not in text
        for person in people:
            for _, said in told[person.person.full_name]:
                assert person.person.national_id not in said
                assert person.person.citizen_id.hex not in said
                assert str(person.person.citizen_id) not in said

    def test_no_decision_and_no_such_citizen_look_the_same(self, client):
        """Case 52 and contract: the answer, its headers and the work for it."""
        service, hers = a_service(), lan()
        give(hers, a_service(), decision("full_name"))
        seen = []
        for citizen_id in (uuid.uuid4(), hers.citizen_id, uuid.uuid4()):  # the first fills caches
            ref = TokenRef(citizen_id, uuid.uuid4(), 1, uuid.uuid4())
            token = sign(service, ref, (decision("full_name"),))
            with database.counted() as tally:
                answer = client.post(
                    "/api/attributes", json={}, headers={"Authorization": f"Bearer {token}"}
                )
            told = {k: v for k, v in answer.headers if k not in OF_REQUESTS}
            seen.append((answer.status_code, answer.json, told, tally.round_trips))

        assert seen[1] == seen[2]
        assert seen[0][0] in {401, 403}

    def test_anothers_decision_costs_what_none_costs(self, her, app):
        """Case 48: the same answer after the same work, so that time tells nothing either."""
        her.is_asked(an_asking_service(), detail("full_name")).allow()
        theirs = her.decisions()[0].decision_id
        neighbours = [uuid.UUID(int=theirs.int + step) for step in (1, -1)]
        him = signed_in(app.test_client(), minh())
        him.client.get("/my/consents")
        seen = set()

        for number in (theirs, *neighbours, uuid.uuid4()):
            for path in ("", "/withdraw", "/object"):
                with database.counted() as tally:
                    answer = him.client.get(f"/my/consents/{number}{path}")
                seen.add((path, answer.status_code, tally.round_trips, len(answer.data)))

        assert {status for _, status, _, _ in seen} == {404}
        assert len(seen) == 3

    def test_what_was_decided_is_not_shown_again_beside_what_is_new(self, her):
        """Case 45: the page is about the addition, and so is the form."""
        service = an_asking_service()
        her.is_asked(service, detail("full_name", case="CASE-BEFORE")).allow()

        page = her.is_asked(
            service,
            detail("full_name", case="CASE-BEFORE"),
            detail("date_of_birth", case="CASE-AFTER"),
        )

        said = words(page.get())
        assert "CASE-AFTER" in said
        assert "CASE-BEFORE" not in said
        assert page.allow(attribute="full_name").status_code == 400
        assert page.allow().status_code == 303
        assert [row.attributes for row in her.decisions()] == [["date_of_birth"], ["full_name"]]

    @pytest.mark.slow
    def test_of_more_looks_than_connections_each_answered_one_is_an_entry(self, app):
        """Case 55 in small: what is refused for want of room leaves no data and no entry."""
        given = [give(lan(), a_service(), decision("full_name")) for _ in range(8)]
        looks = given * 12

        with ThreadPoolExecutor(32) as threads:
            answers = list(threads.map(lambda one: ask(app.test_client(), one), looks))

        assert {answer.status_code for answer in answers} <= {200, 429, 503}
        told = [answer.json["entry"]["id"] for answer in answers if answer.status_code == 200]
        assert told
        written = [
            str(entry.id)
            for one in given
            for entry in entries(one.person.citizen_id)
            if entry.type == "attributes:released"
        ]
        assert sorted(told) == sorted(written)
        assert len(set(told)) == len(told)
