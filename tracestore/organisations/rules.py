"""Who may give whom which role. Pure.

Four sentences: owners and admins manage people; only owners make or unmake owners, so an admin cannot touch one;
nobody raises themselves; everybody may lower themselves and leave. That an organisation keeps an owner is checked
where roles are stored, since it depends on all of them.
"""

from __future__ import annotations

from typing import Final

from tracestore.access import at_least
from tracestore.errors import Forbidden
from tracestore.models import Role

NOT_MANAGING: Final = "This needs the role owner or admin in the organisation."
OWNERS_ONLY: Final = "Only an owner of the organisation makes or unmakes owners."
NOT_ONESELF: Final = "Nobody raises themselves: ask another owner or admin."


def manages(role: str) -> bool:
    """Whether a role in an organisation lets its holder manage people and projects."""
    return at_least(role, Role.ADMIN)


def may_offer(role: str) -> tuple[str, ...]:
    """The roles that the holder of a role may give to others, the most first."""
    if not manages(role):
        return ()
    return tuple(one for one in Role.values if role == Role.OWNER or one != Role.OWNER)


def check_managing(role: str) -> None:
    """Raises: Forbidden, if a role in an organisation is too low to manage it."""
    if not manages(role):
        raise Forbidden(NOT_MANAGING)


def check_change(actor: str, held: str, after: str, *, own: bool) -> None:
    """Whether somebody whose role in the organisation is `actor` may leave another with the role `after`.

    `held` is the highest role that is touched: of the organisation and of the projects that it is about. '' is no
    role. `own` says that the other is the actor.

    Raises: Forbidden.
    """
    if own:
        if after and not at_least(held, after):
            raise Forbidden(NOT_ONESELF)
        return
    check_managing(actor)
    if Role.OWNER in (held, after) and actor != Role.OWNER:
        raise Forbidden(OWNERS_ONLY)
