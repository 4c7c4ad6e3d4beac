"""What a guard of a page is, and `anyone`; the areas offer their own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, request

from identity import browser

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Guard:
    """Who may enter: `admit` answers the principal, or raises a Refusal that says what to do."""

    name: str
    admit: Callable[[], Any]
    passes_principal: bool = True


anyone = Guard("anyone", lambda: None, passes_principal=False)


def enter(guard: Guard, *, cross_site: bool = False) -> Callable[[View], View]:
    """Let only whom the guard admits into a page, and only our own forms post to it.

    The principal is the view's first argument, except for `anyone`. `cross_site` is for the one
    page that other sites' forms may post to: `/authorize`, which only stores a request.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **params: Any) -> Any:  # noqa: ANN401 - a Flask view's
            if request.method == "POST" and not cross_site:
                browser.check_form()
            principal = guard.admit()
            return view(principal, *args, **params) if guard.passes_principal else view(**params)

        guarded.guard = guard  # type: ignore[attr-defined] # read by `require_guards`
        return guarded  # type: ignore[return-value] # same signature but for the principal

    return decorate


class UnguardedRoute(Exception):
    """A route does not say who may enter it, so the app does not start."""


def require_guards(app: Flask) -> None:
    """Every route names its guard.

    Raises:
        UnguardedRoute: one does not.
    """
    for rule in app.url_map.iter_rules():
        if not hasattr(app.view_functions[rule.endpoint], "guard"):
            raise UnguardedRoute(f"{rule.rule} names no guard")
