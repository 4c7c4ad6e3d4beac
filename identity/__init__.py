"""Who someone is, and proving it. Read `create_app` first: it puts the house together."""

from collections.abc import Iterable
from typing import Protocol

from flask import Flask
from flask_migrate import Migrate
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from identity import (
    account,
    activation,
    authentication,
    authorization,
    binding,
    ciba,
    citizens,
    commands,
    counter,
    database,
    device,
    doors,
    edge,
    errors,
    factors,
    grant_management,
    granted,
    guards,
    health,
    joining,
    language,
    logout,
    openapi,
    operations,
    oplog,
    outbox,
    pages,
    parameters,
    postgresql,
    provider,
    public_services,
    registration,
    requested,
    self_registration,
    settings,
    staff,
    staff_enrolment,
    staff_security,
    tokens,
    trail,
)
from identity.settings import Settings


class Half(Protocol):
    """The other half of the house: it joins itself to an app that knows nothing of it."""

    def join(self, app: Flask) -> None:
        """Bring doors, pages, commands, duties, checks and the answer to approval."""


def create_app(chosen: Settings, joins: Iterable[Half] = ()) -> Flask:
    """The application: routes bound, guards checked. Neither secrets nor database are opened.

    Raises:
        guards.UnguardedRoute: a route does not say who may enter it.
        SettingsError: the database's driver cannot read its address.
    """
    app = Flask("identity", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=doors.BODY_LIMIT, MAX_FORM_PARTS=parameters.FIELD_LIMIT)
    app.cli = commands.Commands(name=app.name)
    settings.install(chosen)
    oplog.configure(chosen)
    joining.begin()
    if chosen.is_postgresql and (unread := postgresql.unread(chosen.database_urls)):
        raise settings.SettingsError(unread)
    database.init_app(app, chosen)
    Migrate(app, database.db, directory=str(commands.MIGRATIONS), compare_type=True)
    language.init_app(app)
    trail.join()
    outbox.join()
    for area in (citizens, factors, authentication, staff, public_services, activation):
        area.join(app)
    for area in (binding, granted, tokens, requested, authorization, device, ciba):
        area.join(app)
    for area in (logout, provider, registration, self_registration, grant_management):
        area.join(app)
    for area in (staff_enrolment, staff_security, counter, account):
        area.join(app)
    for part in (health, openapi, operations, pages):
        part.join(app)
    commands.join(app)
    for half in joins:
        half.join(app)
    account.close_menu()
    app.register_error_handler(Exception, _answer_error)
    guards.require_guards(app)
    lane = doors.lane(app) if chosen.express_lane else doors.no_lane
    app.wsgi_app = edge.Edge(chosen, app.wsgi_app, lane=lane)  # type: ignore[method-assign] # Flask's documented way
    return app


def _answer_error(error: Exception) -> Response:
    return language.answer(_refusal_for(error))


def _refusal_for(error: Exception) -> errors.Refusal:
    if isinstance(error, errors.Refusal):
        return error
    if isinstance(error, HTTPException):
        return language.for_http(error)
    return doors.accident(error, language.request_id())
