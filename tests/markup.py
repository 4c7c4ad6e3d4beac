"""A page as somebody with a screen reader has it: elements by id, and what is tied to what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = frozenset({"input", "meta", "link", "br", "hr", "img"})


@dataclass(eq=False)
class Element:
    """A tag, its attributes, and the words in it."""

    tag: str
    attributes: dict[str, str]
    parents: tuple["Element", ...] = ()
    pieces: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """What is read, with single spaces."""
        return " ".join("".join(self.pieces).split())

    @property
    def typed(self) -> str:
        """What stands in the field."""
        return "".join(self.pieces) if self.tag == "textarea" else self.attributes.get("value", "")

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


class Markup(HTMLParser):
    """Every element of a page, in the order of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, (*self._open,))
        self.elements.append(element)
        if tag not in EMPTY:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.pieces.append(data)

    def all(self, tag: str, **attributes: str) -> Iterator[Element]:
        """Those of a tag that have these attributes."""
        wanted = attributes.items()
        return (e for e in self.elements if e.tag == tag and wanted <= e.attributes.items())

    def by_id(self, name: str) -> Element:
        """The one element with this id."""
        (found,) = [e for e in self.elements if e.attributes.get("id") == name]
        return found

    def within(self, outer: Element, tag: str) -> list[Element]:
        """Those of a tag that stand in an element."""
        return [e for e in self.elements if e.tag == tag and outer in e.parents]

    @property
    def language(self) -> str:
        """In which language the page says it is."""
        (page,) = self.all("html")
        return page["lang"]
