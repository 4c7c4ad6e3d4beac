"""The forms of the officers' desk, as `tests/forms.py` has those of the other pages."""

from functools import partial

from flask.testing import FlaskClient

from tests import desks
from tests.forms import KINDS, NOTHING, Field, Form, Outcome, Sheet, _text, _token, page
from tests.people import a_security_officer, sign_in_officer


def _filters(client: FlaskClient, **more: str) -> dict[str, str]:
    sign_in_officer(client, a_security_officer())
    return _token(client, "/audit/entries") | {"type": "staff:added"} | more


def saved_form(client: FlaskClient) -> Sheet:
    since = {"basis": "", "from": "2024-01-31"}
    return Sheet(client, "/audit/searches", _filters(client, name="Cán bộ mới", **since))


def removal_form(client: FlaskClient) -> Sheet:
    sheet = saved_form(client)
    at = client.post(sheet.path, data=sheet.values).location
    path = f"/audit/searches/{at.partition('=')[2]}/remove"
    return Sheet(client, path, {"csrf_token": sheet.values["csrf_token"]})


def export_form(client: FlaskClient) -> Sheet:
    filled = _filters(client, reason="Báo cáo quý", result="", until="2099-12-31")
    desks.known()
    return Sheet(client, "/audit/exports", filled)


def _export(client: FlaskClient, what: str) -> Sheet:
    """An export of somebody's own that is ready, or one of another unit that waits."""
    officer = a_security_officer(unit="Đơn vị giám sát 9")
    sign_in_officer(client, officer)
    path = f"/audit/exports/{desks.an_export(officer, is_own=what == 'file')}/{what}"
    return Sheet(client, path, _token(client, "/audit/entries"))


def _left_out(bad: Outcome) -> dict[str, Outcome]:
    """A choice that there is not; none at all is as good as any."""
    return {kind: bad for kind in KINDS if kind not in NOTHING}


DESK_FORMS = (
    Form(
        route="/audit/searches",
        open=saved_form,
        fields=(
            _text("name", "saved-name"),
            *(Field(name=name, bad=_left_out(page(400))) for name in ("type", "basis", "from")),
        ),
        cookie="motlan-staff",
    ),
    Form(
        route="/audit/searches/<uuid:search_id>/remove",
        open=removal_form,
        cookie="motlan-staff",
    ),
    Form(
        route="/audit/exports",
        open=export_form,
        fields=(
            _text("reason", "reason"),
            *(Field(name=name, bad=_left_out(page(400))) for name in ("type", "result", "until")),
        ),
        cookie="motlan-staff",
    ),
    *(
        Form(
            route=f"/audit/exports/<uuid:export_id>/{what}",
            open=partial(_export, what=what),
            cookie="motlan-staff",
        )
        for what in ("confirm", "decline", "file")
    ),
)
