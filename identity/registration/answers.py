"""How a service wants its answers, and how signed: OpenID Registration §2, JARM §3."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validate

from identity.registration.shapes import Strict, choice, words
from identity.requested.wish import MODES
from identity.signing import keys
from identity.signing.algorithms import ALGORITHMS

SIGNED = ("id_token", "userinfo", "authorization")


class AnswersSchema(Strict):
    """The members that say how answers are signed."""

    id_token_signed_response_alg = choice(*ALGORITHMS, load_default="ES256")
    userinfo_signed_response_alg = choice(*ALGORITHMS)
    authorization_signed_response_alg = choice(*ALGORITHMS)  # JARM §3
    response_modes = words(validate.OneOf(MODES))  # FAPI 2.0 Message Signing §5.4


def check(told: Mapping[str, Any]) -> None:
    """What is asked for can be done today.

    Raises:
        ValidationError: we have no key for an algorithm; lists of an earlier version lack some.
    """
    for kind in SIGNED:
        name = f"{kind}_signed_response_alg"
        if name in told and told[name] not in keys.algorithms():
            raise ValidationError("has no key here yet: run `motlan secrets init`", name)
