"""An authenticator app gets its secret: as a picture, as a link and as text (RFC 6238)."""

import pyotp
import segno

ISSUER = "Một Lần"


def new_secret() -> str:
    """160 random bits in base 32 (RFC 4226 §4, R6)."""
    return pyotp.random_base32()


def address(secret: str, *, label: str) -> str:
    """The `otpauth:` address that apps read; the label is what they show beside the codes."""
    return pyotp.TOTP(secret).provisioning_uri(name=label, issuer_name=ISSUER)


def picture(told: str) -> str:
    """The address as an SVG without style or script, so that the CSP lets it stand in the page.

    Dark on light in every colour scheme, with the quiet zone that scanners need.
    """
    code = segno.make(told, error="m", micro=False)
    return code.svg_inline(scale=4, border=4, dark="#000", light="#fff")


def grouped(secret: str) -> str:
    """The secret as somebody types it who cannot scan."""
    return " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
