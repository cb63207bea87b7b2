"""The tokens: the generated sheet is current, and both themes can be read (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.design import generate

TOKENS = generate.read()
CSS = generate.TARGET.parent


def test_the_generated_stylesheet_is_current() -> None:
    assert generate.TARGET.read_text("utf-8") == generate.stylesheet(TOKENS)
    assert generate.SPRITE.read_text("utf-8") == generate.sprite(TOKENS)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_contrasts(name: str) -> None:
    colours = generate.theme(TOKENS, name)
    wanted = TOKENS["contrast"]
    inks = [f"type-{kind}-ink" for kind in TOKENS["type"]]
    pairs = [(ink, ground, 4.5) for ink in wanted["text"] + inks for ground in wanted["text-grounds"]]
    pairs += [(ink, "chosen", 4.5) for ink in wanted["chosen-text"] + inks]
    pairs += [(f"type-{kind}", ground, 3.0) for kind in TOKENS["type"] for ground in wanted["graphic-grounds"]]
    pairs += [
        ("accent-ink", "accent", 4.5),
        ("error", "error-ground", 4.5),
        ("warn", "warn-ground", 4.5),
        ("focus", "ground", 3.0),
    ]
    bad = {
        (ink, ground): round(ratio, 2)
        for ink, ground, least in pairs
        if (ratio := generate.contrast(colours[ink], colours[ground])) < least
    }
    assert bad == {}


def test_both_themes_name_the_same_tokens() -> None:
    assert TOKENS["light"].keys() == TOKENS["dark"].keys()


@pytest.mark.parametrize(
    "sheet",
    [
        "base",
        "traces",
        "search",
        "trace",
        "trace_views",
        "models",
        "settings",
        "pages",
        "charts",
        "rules",
        "incidents",
        "organisation",
    ],
)
def test_colours_come_from_tokens_only(sheet: str) -> None:
    text = Path(CSS / f"{sheet}.css").read_text("utf-8")
    assert re.findall(r"#[0-9a-f]{3,8}\b(?=[^{}]*;)", text) == []
    # `level` is set by rows; a sheet may name its own measures.
    known = set(re.findall(r"--([\w-]+):", generate.TARGET.read_text("utf-8") + text)) | {"level"}
    assert set(re.findall(r"var\(--([\w-]+)", text)) <= known
