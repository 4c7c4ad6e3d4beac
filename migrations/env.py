"""How a migration runs: with the owner's role, and granting to the app's role at the end."""

from alembic import context
from click import ClickException
from flask import current_app
from sqlalchemy import Connection, text

from identity import database, postgresql, settings
from identity.columns import Base
from migrations.protection import APPEND_ONLY, KEYS

VERSIONS = "alembic_version"


def run() -> None:
    """Migrate as the owner, in one transaction where the database can, then grant."""
    app, chosen = current_app._get_current_object(), settings.current()  # type: ignore[attr-defined] # noqa: SLF001 - a proxy's documented way
    chosen.home.mkdir(mode=0o700, parents=True, exist_ok=True)  # the first command on a new machine
    database.init_app(app, chosen, as_owner=True)
    try:
        _migrate()
    finally:
        database.init_app(app, chosen)


def _migrate() -> None:
    config = current_app.extensions["migrate"].configure_args
    with database.state().engine.connect() as connection:
        if fault := postgresql.unfit(connection.connection.driver_connection):
            raise ClickException(fault)
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="READ COMMITTED")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transactional_ddl=connection.dialect.name == "postgresql",
            **config,
        )
        with context.begin_transaction():
            context.run_migrations()
        if connection.dialect.name == "postgresql":
            _grant(connection)
            connection.commit()


def _grant(connection: Connection) -> None:
    """Let the app role do what it must, and no more (design §9)."""
    app_role = settings.current().app_role
    owner = connection.scalar(text("SELECT current_user"))
    if app_role in (None, owner):
        return
    quoted = '"' + app_role.replace('"', '""') + '"'
    found = connection.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    ).all()
    for table in found:
        rights = "SELECT, INSERT, UPDATE, DELETE"
        if table in (*APPEND_ONLY, *KEYS):
            rights = "SELECT, INSERT"
        if table == VERSIONS:
            rights = "SELECT"
        connection.execute(text(f"REVOKE ALL ON {table} FROM {quoted}"))
        connection.execute(text(f"GRANT {rights} ON {table} TO {quoted}"))


if context.is_offline_mode():
    raise SystemExit("migrations run against a database, not into a file: they grant rights too")
run()
