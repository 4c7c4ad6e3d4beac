"""What may be shared, with whom, and who looked. `join` brings it to identity."""

from flask import Flask

from consent import (
    audit,
    closing,
    commands,
    complaints,
    demo,
    desk,
    exchange,
    exports,
    facets,
    inspection,
    ledger,
    looks,
    my,
    objections,
    receipts,
    recipients,
)


def join(app: Flask) -> None:
    """Bring consent's doors, pages, commands, duties, checks and its answer to approval."""
    commands.join(app)
    ledger.join(app)
    objections.join(app)
    exchange.join(app)
    audit.join(app)
    closing.join(app)
    looks.join(app)
    facets.join(app)
    desk.join(app)
    exports.join(app)
    inspection.join(app)
    complaints.join(app)
    my.join(app)
    receipts.join(app)
    recipients.join(app)
    demo.join(app)
