"""axe over a page that is open, in both themes: what it calls serious or critical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

[SCRIPT] = (Path(__file__).parent / "vendor").glob("axe-core-*.min.js")
#: Elements of a finding that are named in a failure.
NAMED = 4
#: All rules in one theme, and in the other those of colours, which are all that a theme changes. Rules whose impact is
#: less than serious are left out, and so is what axe would fetch anew for rules that are not on: style sheets, media.
LOOK = """async named => {
    const wanted = new Set(["serious", "critical"]);
    const mild = axe._audit.rules.filter(rule => !wanted.has(rule.impact)).map(rule => [rule.id, { enabled: false }]);
    const found = [];
    for (const [theme, which] of [
        ["light", { rules: Object.fromEntries(mild) }],
        ["dark", { runOnly: { type: "rule", values: ["color-contrast"] } }],
    ]) {
        document.documentElement.dataset.theme = theme;
        await new Promise(done => setTimeout(done));  // charts are drawn again
        const { violations } = await axe.run(document, { ...which, resultTypes: ["violations"], preload: false });
        for (const { id, impact, help, nodes } of violations.filter(one => wanted.has(one.impact))) {
            const told = nodes.slice(0, named).map(node => [node.html, node.failureSummary]);
            found.push({ theme, id, impact, help, nodes: told });
        }
    }
    return found;
}"""


def look_in_both_themes(page: Page) -> list[str]:
    """A line for each finding, with the elements. The script comes in by the debugger, past the page's policy."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(LOOK, NAMED)
    return [
        f"{one['theme']}: {one['id']} ({one['impact']}): {one['help']}: "
        + "; ".join(f"{html[:200]} {summary.splitlines()[-1]}" for html, summary in one["nodes"])
        for one in found
    ]
