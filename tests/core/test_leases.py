"""A lease is held by one, and ends by itself when its holder died."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tracestore import leases
from tracestore.models import Lease

pytestmark = pytest.mark.django_db


def test_only_one_holds_it_and_it_ends_with_the_block() -> None:
    with leases.hold("job", seconds=60) as first:
        with leases.hold("job", seconds=60) as second:
            assert (first, second) == (True, False)
        with leases.hold("other", seconds=60) as other:
            assert other
        assert Lease.objects.get(name="job").holder != ""
    with leases.hold("job", seconds=60) as again:
        assert again


def test_it_ends_with_an_error_too() -> None:
    with pytest.raises(ValueError, match="broken"), leases.hold("job", seconds=60):
        raise ValueError("broken")
    with leases.hold("job", seconds=60) as again:
        assert again


def test_a_dead_holder_is_not_waited_for_longer_than_its_time() -> None:
    Lease.objects.create(name="job", holder="dead", expires_at=timezone.now() + timedelta(seconds=60))
    with leases.hold("job", seconds=60) as early:
        assert not early
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with leases.hold("job", seconds=60) as late:
        assert late
