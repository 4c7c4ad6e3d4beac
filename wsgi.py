"""The application; the only file that knows both halves."""

import gc

# What is loaded here stays to the end: looking through it for garbage costs a fifth of the start,
# and a pause in some later request.
gc.disable()

import consent  # noqa: E402 - loaded while nobody looks for garbage
import identity  # noqa: E402 - the same
from identity import commands, settings  # noqa: E402 - the same

try:
    app = identity.create_app(settings.read(), joins=[consent])
except settings.SettingsError as fault:
    raise SystemExit(f"motlan: {fault}") from None
finally:
    gc.freeze()
    gc.enable()

cli = commands.Motlan(add_default_commands=False, create_app=lambda: app, name="motlan")
