"""Design §2.9: every route names who may enter it."""

import pytest
from flask import Flask

from identity import guards


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
