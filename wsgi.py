"""The application; the only file that knows both halves."""

import consent
import identity
from identity import commands, settings

try:
    app = identity.create_app(settings.read(), joins=[consent])
except settings.SettingsError as fault:
    raise SystemExit(f"motlan: {fault}") from None

cli = commands.Motlan(add_default_commands=False, create_app=lambda: app, name="motlan")
