"""Design §2.9: every route names who may enter it."""

import re
import uuid

import pytest
from flask import Flask

from identity import ahead, doors, guards
from tests.people import a_security_officer, form_token, lan, sign_in, sign_in_officer


def test_every_route_has_exactly_one_guard(app):
    unguarded = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "guard", None) is None
    ]

    assert not unguarded
    assert list(app.url_map.iter_rules())


def test_an_app_with_an_unguarded_route_does_not_start():
    house = Flask("house", static_folder=None)
    house.add_url_rule("/open", "open", lambda: "anybody")

    with pytest.raises(guards.UnguardedRoute, match="/open"):
        guards.require_guards(house)


def test_every_door_is_a_route_with_the_same_guard(app):
    """Two doors, one function (design §9): the lane must not let in whom Flask would not."""
    routes = {
        (method, rule.rule): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in rule.methods
    }

    doors = app.extensions["motlan.doors"]

    assert doors
    for place, door in doors.items():
        assert routes[place].guard is door.guard


def test_a_door_ahead_of_a_page_lets_in_nobody_else_than_the_page(app):
    """It judges for itself whether somebody is signed in; so does its page, which anyone opens."""
    routes = {rule.rule: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()}
    table = app.extensions[ahead.TABLE]

    assert table
    assert not table.keys() & app.extensions["motlan.doors"].keys()
    for (_method, path), door in table.items():
        assert (door.guard, routes[path].guard) == (doors.anyone, guards.anyone)
        assert door.refusals is ahead.pass_on


# Forms of other sites may come here: both only keep what was asked and answer with a GET.
CROSS_SITE = {"/authorize", "/end-session"}
ELSEWHERE = [
    {"Origin": "https://evil.test"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8000.evil.test"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


def forms(app):
    """Every page that takes a form, at an address of some thing."""
    doors = {path for method, path in app.extensions["motlan.doors"] if method == "POST"}
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods]
    assert doors <= {rule.rule for rule in rules}
    return [re.sub(r"<[^>]+>", str(uuid.uuid4()), r.rule) for r in rules if r.rule not in doors]


class TestAttacker:
    """Security case 13: the cookies come along, and everything else is right."""

    @pytest.mark.parametrize("headers", ELSEWHERE)
    def test_no_page_takes_a_form_of_another_site(self, app, client, headers):
        sign_in(client, lan())
        sign_in_officer(client, a_security_officer())
        told = {"csrf_token": form_token(client.get("/sign-out"))}

        taken = {
            path
            for path in forms(app)
            if client.post(path, data=told, headers=headers).status_code != 403
        }

        assert taken == CROSS_SITE

    @pytest.mark.parametrize("token", [None, "", "AAAA", "x" * 44])
    def test_no_page_takes_a_form_without_our_token(self, app, client, token):
        sign_in(client, lan())
        sign_in_officer(client, a_security_officer())
        told = {} if token is None else {"csrf_token": token}

        taken = {path for path in forms(app) if client.post(path, data=told).status_code != 403}

        assert taken == CROSS_SITE

    def test_no_page_takes_the_token_of_another_browser(self, app, client):
        sign_in(client, lan())
        sign_in_officer(client, a_security_officer())
        told = {"csrf_token": form_token(app.test_client().get("/sign-in"))}

        taken = {path for path in forms(app) if client.post(path, data=told).status_code != 403}

        assert taken == CROSS_SITE
