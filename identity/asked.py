"""The small request of a machine endpoint, read from the environ that a server has filled."""

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from identity.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from identity.once import once
from identity.parameters import Parameters

FORM = "application/x-www-form-urlencoded"
BODY_LIMIT = 64 * 1024
LENGTH_DIGITS = 15
# Where a server before us leaves the whole body; absent: it is to be read, as WSGI has it.
BODY = "motlan.body"
NO_PARAMS: Mapping[str, str] = MappingProxyType({})
_NOTHING_SENT = Parameters("")  # nobody changes it either


class Request:
    """One request to a machine endpoint, read from the WSGI environ; nobody changes it."""

    def __init__(
        self,
        environ: Mapping[str, Any],
        params: Mapping[str, str] = NO_PARAMS,  # from the path
        *,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self.environ = environ
        self.params = params
        self.body_limit = body_limit

    @property
    def method(self) -> str:
        """The method, upper case."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        """The path, decoded."""
        return str(self.environ.get("PATH_INFO", ""))

    @property
    def remote(self) -> str:
        """The peer's address, after the edge has dealt with proxies."""
        return str(self.environ.get("REMOTE_ADDR", ""))

    @property
    def request_id(self) -> str:
        """The id the edge gave this request; it stands in our logs and in the entry."""
        return str(self.environ.get("motlan.request_id", ""))

    def header(self, name: str) -> str | None:
        """A header's value; null when it was not sent."""
        value = self.environ.get(_key(name))
        return None if value is None else str(value)

    @property
    def content_type(self) -> str:
        """The media type alone, lower case."""
        return _media_type(self.environ.get("CONTENT_TYPE") or "")

    @once
    def body(self) -> bytes:
        """The whole body.

        Raises:
            BodyTooLarge: longer than this door takes.
            InvalidRequest: its length is no number, or the body is cut.
        """
        here: bytes | None = self.environ.get(BODY)
        if here is not None and len(here) <= self.body_limit:
            return here
        length = self.environ.get("CONTENT_LENGTH") or ""
        if length and not (length.isascii() and length.isdecimal()):
            raise InvalidRequest("Content-Length is not a number")
        # Python refuses to read a number of thousands of digits; this one is too large anyway.
        if len(length) > LENGTH_DIGITS or (length and int(length) > self.body_limit):
            raise BodyTooLarge(f"at most {self.body_limit} bytes are taken here")
        if not length and not self.environ.get("wsgi.input_terminated"):
            return b""
        wanted = int(length) if length else self.body_limit + 1
        content: bytes = self.environ["wsgi.input"].read(wanted)
        if len(content) > self.body_limit:
            raise BodyTooLarge(f"at most {self.body_limit} bytes are taken here")
        if length and len(content) < int(length):
            raise InvalidRequest("the body ended before its length")
        return content

    @once
    def query(self) -> Parameters:
        """The parameters of the URL."""
        text = str(self.environ.get("QUERY_STRING", ""))
        return Parameters(text) if text else _NOTHING_SENT

    @once
    def form(self) -> Parameters:
        """The parameters of a form body.

        Raises:
            UnsupportedMediaType: the body is no form.
        """
        if self.content_type != FORM:
            raise UnsupportedMediaType(f"send the parameters as {FORM}")
        try:
            return Parameters(self.body.decode("ascii"))
        except UnicodeDecodeError as error:
            raise InvalidRequest("the form is not URL-encoded") from error

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON says; a schema looks at it next
        """The body as JSON.

        Raises:
            UnsupportedMediaType: the body is not JSON by its content type.
            InvalidRequest: it cannot be parsed, a member stands twice in it, or a text holds what
                no database keeps (NUL, half a surrogate pair).
        """
        if self.content_type != "application/json":
            raise UnsupportedMediaType("send the body as application/json")
        try:
            encoding = json.detect_encoding(self.body)  # as `json.loads`, which makes a decoder
            read = _DECODER.decode(self.body.decode(encoding, "surrogatepass"))
            if rb"\u" in self.body or b"\x00" in self.body:
                _require_text(read)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("the body is not valid JSON") from error
        return read


@lru_cache(maxsize=64)
def _media_type(told: str) -> str:
    return told.partition(";")[0].strip().lower()


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_refuse_constant)


def _require_text(value: Any) -> None:  # noqa: ANN401 - whatever JSON says
    told = json.dumps(value, ensure_ascii=False)
    told.encode()  # half a surrogate pair has no UTF-8
    if r"\u0000" in told.replace(r"\\", ""):
        raise ValueError("a text holds the character NUL")
