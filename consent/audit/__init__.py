"""The access log: put in order, signed, verified, and shown to those it is about."""

from datetime import timedelta

from flask import Flask

from consent.audit import commands, doors, heads, records, sequencer, verify
from identity import doors as machine
from identity.joining import Check, Duty, Measure, joined


def join(app: Flask) -> None:
    """Bring the log's duties, its public doors and its commands."""
    joined().duties.append(
        Duty(
            "sequencer",
            timedelta(milliseconds=200),
            sequencer.sequence,
            behind_since=records.oldest_unplaced,
        )
    )
    joined().duties.append(Duty("heads", timedelta(seconds=1), heads.sign))
    joined().starts.append(Check("log head", heads.refusal))
    joined().checks.append(Check("log leaves", heads.leaves_fault))
    joined().checks.append(Check("log verify", commands.last_fault))
    joined().measures += (
        Measure("log_entries", "Entries under the newest signed head", heads.signed_size),
        Measure("log_head_age_seconds", "Since the newest head was signed", heads.signed_ago),
    )
    joined().proofs.append(Check("log", verify.fault))
    machine.add(app, doors.DOORS)
    app.cli.add_command(commands.log)
