"""Which role enters which page: every route of the staff, for every role; and where each begins."""

import re
import uuid

import pytest

from identity.entry import NOBODY
from identity.staff import change
from identity.staff.guard import counter_officer, inspector, operator, security_officer
from identity.staff.records import Role
from tests.markup import Markup
from tests.people import a_security_officer, form_token, lan, sign_in, sign_in_officer

EVERYBODY = frozenset(Role)
OFFICERS = frozenset({Role.SECURITY_OFFICER})
OVERSEERS = frozenset({Role.SECURITY_OFFICER, Role.INSPECTOR, Role.OPERATOR})
# Each page of the staff and who may enter it; the longest beginning that fits decides.
MAY_ENTER = {
    "/audit": OFFICERS,
    "/counter": frozenset({Role.COUNTER_OFFICER}),
    "/inspection": frozenset({Role.INSPECTOR}),
    "/operations": frozenset({Role.OPERATOR}),
    "/staff": EVERYBODY,
    "/staff/members": OVERSEERS,
    "/staff/security": EVERYBODY,
    "/staff/sign-out": EVERYBODY,
}
# Where nobody is signed in yet.
OPEN = ("/staff/sign-in", "/staff/enrol")
by_role = pytest.mark.parametrize("role", list(Role), ids=str)


def routes(app):
    """Path and method of every route of the staff."""
    for rule in app.url_map.iter_rules():
        is_staffs = re.match(r"/(staff|audit|counter|inspection|operations)(/|$)", rule.rule)
        if is_staffs and not rule.rule.startswith(OPEN):
            path = re.sub(r"<uuid:[^>]+>", str(uuid.uuid4()), rule.rule)
            for method in rule.methods & {"GET", "POST"}:
                yield method, re.sub(r"<[^>]+>", "1", path)


def allowed(path):
    fits = [place for place in MAY_ENTER if path == place or path.startswith(place + "/")]
    return MAY_ENTER[max(fits, key=len)]


def enters(client, method, path, *, token):
    """Whether the guard lets this browser in; a page may then find nothing or miss a field."""
    form = {"csrf_token": token} if method == "POST" else {}
    answer = client.open(path, method=method, data=form)
    return answer.status_code != 403 and answer.location != "/staff/sign-in"


@pytest.mark.slow
@by_role
def test_every_role_enters_what_it_may_and_nothing_else(app, client, role):
    """The matrix: role by route."""
    sign_in_officer(client, a_security_officer(role=role))
    token = form_token(client.get("/sign-in"))
    known = set(routes(app)) - {("POST", "/staff/sign-out")}  # it would sign out

    wrong = {
        (method, path)
        for method, path in known
        if enters(client, method, path, token=token) is not (role in allowed(path))
    }

    assert len(known) >= 10
    assert wrong == set()
    assert client.get("/staff").status_code == 200


@pytest.mark.slow
def test_nobody_in_particular_and_a_citizen_enter_none_of_them(app, client):
    citizen = app.test_client()
    tokens = {who: form_token(who.get("/staff/sign-in")) for who in (client, citizen)}
    sign_in(citizen, lan())

    entered = {
        (method, path)
        for method, path in set(routes(app))
        for who, token in tokens.items()
        if enters(who, method, path, token=token)
    }

    assert entered == set()


@by_role
def test_each_role_begins_where_its_work_is(client, role):
    onward = sign_in_officer(client, a_security_officer(role=role))

    assert onward.location == ("/audit" if role is Role.SECURITY_OFFICER else "/staff")
    page = client.get("/staff")
    links = {link["href"] for link in Markup(page.text).all("a")}
    assert (page.status_code, "/staff/security" in links) == (200, True)
    assert ("/audit" in links) is (role is Role.SECURITY_OFFICER)
    assert ("/staff/members" in links) is (role in OVERSEERS)
    works = ("/counter", "/inspection", "/operations")
    assert [place in links for place in works] == [role in MAY_ENTER[place] for place in works]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_another_role_is_told_whose_page_it_is(client, language):
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    sign_in_officer(client, a_security_officer(role=Role.COUNTER_OFFICER))

    page = client.get("/staff/members")

    words = {"vi": "/ thanh tra viên /", "en": "a security officer / an inspector / an operator"}
    assert (page.status_code, words[language] in page.text) == (403, True)


@pytest.mark.parametrize(
    ("guard", "its"),
    [
        (security_officer, Role.SECURITY_OFFICER),
        (inspector, Role.INSPECTOR),
        (counter_officer, Role.COUNTER_OFFICER),
        (operator, Role.OPERATOR),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
def test_the_guard_of_a_role_admits_that_role_alone(app, guard, its):
    admitted = set()
    for role in Role:
        client = app.test_client()
        sign_in_officer(client, a_security_officer(role=role))
        headers = {"Cookie": f"motlan-staff={client.get_cookie('motlan-staff').value}"}
        with app.test_request_context("/", headers=headers, base_url="http://localhost:8000"):
            try:
                admitted.add(guard.admit().role)
            except Exception as refusal:  # noqa: BLE001 - the slug says which
                assert refusal.slug == "another-role"  # noqa: PT017 - as above

    assert admitted == {its}


def test_who_left_stays_on_the_list(client):
    """Whoever appears or disappears is seen to."""
    gone = a_security_officer(unit="Đơn vị cũ")
    change.leave(gone.username)
    sign_in_officer(client, a_security_officer(role=Role.INSPECTOR))

    page = Markup(client.get("/staff/members").text)

    (row,) = page.all("tr", **{"data-staff": gone.username})
    assert "Đã nghỉ từ" in row.words
    assert NOBODY.hex not in row.words
