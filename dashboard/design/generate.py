"""Writes tokens.css and icons.html from tokens.toml and icons.toml: `python -m dashboard.design.generate`.

Pure but for `main`. Light is the default; dark answers to the system's wish unless the reader has
chosen by the switch, which sets `data-theme` on <html>.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

SOURCE = Path(__file__).with_name("tokens.toml")
ICONS = Path(__file__).with_name("icons.toml")
TARGET = Path(__file__).parent.parent / "static" / "dashboard" / "css" / "tokens.css"
SPRITE = Path(__file__).parent.parent / "templates" / "dashboard" / "icons.html"

Tokens = dict[str, Any]


def read() -> Tokens:
    """All tokens; the icons under `symbol` and `image`."""
    return tomllib.loads(SOURCE.read_text("utf-8")) | tomllib.loads(ICONS.read_text("utf-8"))


def theme(tokens: Tokens, name: str) -> dict[str, str]:
    """All colours of one theme, span types included: {"ink": "#…", "type-llm": …, "type-llm-ink": …}."""
    colours = dict(tokens[name])
    for span_type, themes in tokens["type"].items():
        colours[f"type-{span_type}"] = themes[name]["fill"]
        colours[f"type-{span_type}-ink"] = themes[name]["ink"]
    return colours


def images(tokens: Tokens, name: str) -> dict[str, str]:
    """The icons of one theme as CSS images; a `data:` URL, so that nothing is fetched."""
    colours = theme(tokens, name)
    wanted = {kind: colours[f"type-{kind}-ink"] for kind in tokens["type"]}
    wanted |= {icon: colours[token] for icon, token in tokens["image"].items()}
    found = {}
    for icon, colour in wanted.items():
        inner = tokens["symbol"][icon].replace("currentColor", colour).replace("var(--ground)", colours["ground"])
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{inner}</svg>'
        found[f"icon-{icon}"] = f"url('data:image/svg+xml,{quote(svg, safe=_HARMLESS)}')"
    return found


#: Characters that may stand as they are in a quoted `data:` URL.
_HARMLESS = ' /:=".,-'


def sprite(tokens: Tokens) -> str:
    symbols = "\n".join(
        f'  <symbol id="icon-{name}" viewBox="0 0 16 16">{inner}</symbol>' for name, inner in tokens["symbol"].items()
    )
    return (
        "{# Generated from dashboard/design/icons.toml. #}\n"
        f'<svg hidden xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'
    )


def declarations(values: dict[str, str], indent: str) -> str:
    return "".join(f"{indent}--{name}: {value};\n" for name, value in values.items())


def stylesheet(tokens: Tokens) -> str:
    families = {f"family-{name}": value for name, value in tokens["font"].items()}
    light = theme(tokens, "light") | images(tokens, "light")
    dark = theme(tokens, "dark") | images(tokens, "dark")
    parts = [
        "/* Generated from dashboard/design/tokens.toml; change that and run",
        "   python -m dashboard.design.generate. */\n",
        ":root {",
        declarations(tokens["size"] | families, "  ") + "}\n",
        ":root {\n  color-scheme: light;",
        declarations(light, "  ") + "}\n",
        '@media (prefers-color-scheme: dark) {\n  :root:not([data-theme="light"]) {\n    color-scheme: dark;',
        declarations(dark, "    ") + "  }\n}\n",
        ':root[data-theme="dark"] {\n  color-scheme: dark;',
        declarations(dark, "  ") + "}\n",
    ]
    # The type's colours by class, so that neither templates nor scripts ever name a colour.
    for span_type in tokens["type"]:
        parts.append(
            f".t-{span_type} {{ --fill: var(--type-{span_type}); --type-ink: var(--type-{span_type}-ink); "
            f"--icon: var(--icon-{span_type}); }}"
        )
    return "\n".join(parts) + "\n"


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def main() -> None:
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(stylesheet(read()), "utf-8")
    SPRITE.write_text(sprite(read()), "utf-8")


if __name__ == "__main__":
    main()
