"""Who may give whom which role, as tables: what stands here is what docs/tenancy.md promises."""

from __future__ import annotations

import pytest

from tracestore.errors import Forbidden
from tracestore.models import Role
from tracestore.organisations import rules

RANKS = ("owner", "admin", "member", "viewer", "")


def allowed(actor: str, held: str, after: str, *, own: bool = False) -> bool:
    try:
        rules.check_change(actor, held, after, own=own)
    except Forbidden:
        return False
    return True


#: By the actor's role: held → the roles that may follow.
OTHERS = {
    "owner": dict.fromkeys(RANKS, RANKS),
    "admin": {held: ("admin", "member", "viewer", "") for held in RANKS if held != "owner"} | {"owner": ()},
    "member": dict.fromkeys(RANKS, ()),
    "viewer": dict.fromkeys(RANKS, ()),
    "": dict.fromkeys(RANKS, ()),
}


@pytest.mark.parametrize("actor", RANKS)
@pytest.mark.parametrize("held", RANKS)
def test_of_others(actor: str, held: str) -> None:
    assert tuple(after for after in RANKS if allowed(actor, held, after)) == tuple(OTHERS[actor][held])


@pytest.mark.parametrize("held", RANKS)
def test_of_oneself_only_downward(held: str) -> None:
    """Whatever the role in the organisation: an admin who is viewer of nothing more does not raise themselves."""
    below = RANKS[RANKS.index(held) :]
    assert tuple(after for after in RANKS if allowed(held, held, after, own=True)) == below


@pytest.mark.parametrize(
    ("role", "offers"),
    [
        ("owner", ("owner", "admin", "member", "viewer")),
        ("admin", ("admin", "member", "viewer")),
        ("member", ()),
        ("viewer", ()),
        ("", ()),
    ],
)
def test_what_may_be_offered(role: str, offers: tuple[str, ...]) -> None:
    assert rules.may_offer(role) == offers
    assert tuple(one for one in Role.values if allowed(role, "", one)) == offers
