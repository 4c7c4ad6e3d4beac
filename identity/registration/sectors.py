"""Whose people a service may recognise as the same: sectors, OpenID Connect Core §8.1."""

import threading
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from identity import outbound, waiting
from identity.public_services import addresses

MOST_AT_ONCE = 2  # whoever registers, and names a slow address, must not keep every thread waiting
WAIT_SECONDS = 1.0
_fetching = threading.BoundedSemaphore(MOST_AT_ONCE)


def check_document(told: Mapping[str, Any]) -> None:
    """The sector's document lists every redirect URI.

    Raises:
        ValidationError: it cannot be fetched, or leaves one out.
    """
    uri = told.get("sector_identifier_uri")
    if uri is None:
        return
    try:
        listed = _fetched(uri)
    except outbound.OutboundRefused:
        raise ValidationError("cannot be fetched", "sector_identifier_uri") from None
    if not isinstance(listed, list) or not set(told["redirect_uris"]) <= set(map(str, listed)):
        raise ValidationError("does not list every redirect URI", "sector_identifier_uri")


def _fetched(uri: str) -> Any:  # noqa: ANN401 - whatever JSON says
    waiting.require()  # before the gate, where a turn would hold everybody up
    if not _fetching.acquire(timeout=WAIT_SECONDS):
        raise ValidationError("cannot be fetched now: try again", "sector_identifier_uri")
    try:
        return outbound.get_json(uri)
    finally:
        _fetching.release()


def sector(told: Mapping[str, Any], kept: str | None, *, may_share: bool) -> str:
    """Whose pairwise subjects it shares.

    Without a document of its own a service shares only with the same organisation at the same
    host, and keeps that sector when it moves, since `sub` is for ever. That a document joins
    several organisations is for an operator to say: behind one portal each can write one.
    """
    code = told["organisation"]["code"]
    if "sector_identifier_uri" in told:
        host = addresses.host(told["sector_identifier_uri"])
        own = f"{host} {code}"
        return own if kept == own or not may_share else host
    if kept is not None:
        return kept
    hosts = {addresses.host(uri) for uri in told["redirect_uris"]}
    return f"{''.join(hosts)} {code}"
