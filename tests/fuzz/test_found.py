"""Whatever the fuzzer found once stays mended (it is among the seeds), and the promises hold for damaged seeds."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_what_was_found_and_damage_to_them(target: str) -> None:
    chance = random.Random(7)
    for seed in seeds(target):
        TARGETS[target](seed)
        for _ in range(60):
            body = bytearray(seed)
            for _ in range(chance.choice((1, 2, 8))):
                body[chance.randrange(len(body))] = chance.randrange(256)
            TARGETS[target](bytes(body))
