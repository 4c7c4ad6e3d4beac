"""Forms of other sites: every page that is posted to refuses every foreign `Origin` (case 13)."""

import uuid

import pytest

from identity.staff.records import Role
from tests.deciding import signed_in
from tests.exchange import publish_catalogues
from tests.people import a_security_officer, form_token, lan, sign_in_officer

FOREIGN = [
    "null",
    "https://evil.test",
    "http://localhost",
    "http://localhost:8001",
    "https://localhost:8000",
    "http://localhost:8000.evil.test",
    "http://evil.localhost:8000",
    "http://LOCALHOST:8000",
    "http://localhost:8000/",
    "",
]
# Other sites' forms may post there by their specifications: no cookie of ours is believed for it.
OPEN = {"/authorize", "/end-session"}
# Whose pages are not the security officers'.
OF_ROLES = {"/counter": Role.COUNTER_OFFICER, "/inspection": Role.INSPECTOR}
# Programs call these, with a credential that no browser adds on its own.
DOORS = "door:"


def posted_pages(app):
    """Every address of a page that takes a form."""
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods]
    pages = [rule.rule for rule in rules if not rule.endpoint.startswith(DOORS)]
    return sorted(set(pages) - OPEN)


def address(rule):
    head, _, rest = rule.partition("<")
    return head + (str(uuid.uuid4()) + rest.partition(">")[2] if rest else "")


@pytest.fixture
def browsers(app):
    """In each a person and one of the staff are signed in: whatever a guard wants, it is there."""
    publish_catalogues()
    person = lan()

    def shared(role):
        client = app.test_client()
        signed_in(client, person)
        sign_in_officer(client, a_security_officer(role=role))
        return client

    return {role: shared(role) for role in (Role.SECURITY_OFFICER, *OF_ROLES.values())}


@pytest.fixture
def browser(browsers):
    return browsers[Role.SECURITY_OFFICER]


@pytest.fixture
def sent(browsers):
    """What a page answers to a form from a browser that it would let in."""
    tokens = {role: form_token(each.get("/sign-out")) for role, each in browsers.items()}

    def post(page, headers):
        role = OF_ROLES.get("/" + page.split("/")[1], Role.SECURITY_OFFICER)
        return browsers[role].post(
            address(page), data={"csrf_token": tokens[role]}, headers=headers
        )

    return post


class TestAttacker:
    """Case 13: `SameSite=Lax` is one wall, this is the other."""

    def test_every_form_is_refused_from_every_other_origin(self, app, sent):
        pages = posted_pages(app)

        assert len(pages) >= 10
        for page in pages:
            for origin in FOREIGN:
                assert sent(page, {"Origin": origin}).status_code == 403, (page, origin)

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "other"])
    def test_what_the_browser_says_of_the_page_counts_too(self, app, sent, site):
        """Fetch Metadata: a sibling host is not ours either."""
        for page in posted_pages(app):
            assert sent(page, {"Sec-Fetch-Site": site}).status_code == 403, page

    def test_our_own_origin_is_let_in(self, app, sent):
        """Else the two above would prove nothing."""
        ours = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}

        answers = [
            sent(page, ours)
            for page in posted_pages(app)
            # An enrolment is its own browser's, which this is not: refused for another reason.
            if "sign-out" not in page and not page.startswith("/staff/enrol/")
        ]

        refused = [a.request.path for a in answers if a.status_code == 403]
        assert not refused

    @pytest.mark.parametrize("path", sorted(OPEN))
    def test_what_other_sites_may_post_to_does_nothing_by_itself(self, browser, path):
        """Nobody is signed out, nothing is decided: the answer is a page to look at."""
        answer = browser.post(path, data={"state": "x"}, headers={"Origin": "null"})

        assert answer.status_code in {303, 400}
        assert browser.get("/my").status_code == 200
