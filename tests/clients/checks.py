"""What must be true of every way that ends with tokens."""

from typing import Any


def check(seen: dict[str, Any], *, token_type: str = "bearer", rotates: bool = True) -> None:
    """The person is the same in all that was told, and the tokens end with their family."""
    subject = seen["claims"]["sub"]
    assert seen["tokens"]["token_type"] == seen["next"]["token_type"] == token_type
    assert seen["userinfo"]["sub"] == seen["again"]["sub"] == subject
    assert (seen["tokens"]["refresh_token"] != seen["next"]["refresh_token"]) == rotates
    if "known" in seen:
        assert (seen["known"]["active"], seen["known"]["sub"]) == (True, subject)
        assert seen["ended"] == {"active": False}
