"""Whatever the fuzzer found once stays mended; and the targets themselves hold for their seeds and for noise."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.seeds import found, seeds
from tests.fuzz.targets import TARGETS

FOUND = [(target, path) for target in TARGETS for path in found(target)]


@pytest.mark.parametrize(("target", "path"), FOUND, ids=[f"{target}-{path.name}" for target, path in FOUND])
def test_what_was_found_stays_mended(target: str, path: Path) -> None:
    TARGETS[target](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_seeds(target: str) -> None:
    chance = random.Random(7)
    for seed in seeds(target):
        TARGETS[target](seed)
        for _ in range(60):
            body = bytearray(seed)
            for _ in range(chance.choice((1, 2, 8))):
                body[chance.randrange(len(body))] = chance.randrange(256)
            TARGETS[target](bytes(body))
