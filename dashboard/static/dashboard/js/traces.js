// The list of traces: whole rows are clickable, arrows move, sums follow what "load more" adds.
import { cost, exact, tokens } from "./format.js";

const rows = () => [...document.querySelectorAll("tr[data-trace]")];

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-trace]");
  if (!row || event.target.closest("a, button") || String(getSelection())) return;
  const link = row.querySelector("a");
  if (event.ctrlKey || event.metaKey) open(link.href, "_blank", "noopener");
  else link.click();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  if (event.target.closest("select, input:not([type=search])")) return;
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(event.target.closest("tr[data-trace]"));
  const next = at < 0 ? 0 : Math.min(Math.max(at + (event.key === "ArrowDown" ? 1 : -1), 0), all.length - 1);
  all[next].querySelector("a").focus();
  event.preventDefault();
});

/** What each number of a row's `data-sums` is (rows.html). */
const PLACES = { spans: 0, llm: 1, tools: 2, errors: 3, in: 4, out: 5, unpriced: 6, incomplete: 7, cost: 8 };

/** The same line as the server's, over all rows on the page. */
function sum() {
  const line = document.getElementById("totals");
  const all = rows();
  if (!line || all.length === 0) return;
  const sums = all.map((row) => row.dataset.sums.split(" "));
  const total = (name) => sums.reduce((sofar, one) => sofar + Number(one[PLACES[name]]), 0);
  const priced = sums.filter((one) => one[PLACES.cost]);
  const spent = priced.length ? priced.reduce((sofar, one) => sofar + Number(one[PLACES.cost]), 0) : null;
  const unpriced = total("unpriced");
  const incomplete = total("incomplete");
  const errors = total("errors");
  const words = [
    `${exact(total("spans"))} spans`,
    `${exact(total("llm"))} model calls`,
    `${exact(total("tools"))} tool calls`,
    `${exact(errors)} errors`,
    `${tokens(total("in"))} in`,
    `${tokens(total("out"))} out`,
    (spent === null ? "cost unknown" : `${cost(spent)}${unpriced ? ` + ${exact(unpriced)} calls of unknown price` : ""}`) +
      (incomplete ? `, ${exact(incomplete)} calls of unknown usage` : ""),
  ];
  const more = document.querySelector("tr.more") ? ", more below" : "";
  line.querySelector("b").textContent = exact(all.length);
  line.querySelector("b").nextSibling.textContent = ` ${all.length === 1 ? "trace" : "traces"} shown${more} `;
  line.querySelectorAll("span").forEach((span, k) => {
    span.textContent = words[k];
  });
}

// "Load more" vanishes with its own answer; the focus goes on to the first row that came.
let before = -1;
document.addEventListener("htmx:beforeRequest", (event) => {
  before = event.target.closest("tr.more") ? rows().length : -1;
});
document.addEventListener("htmx:afterSettle", () => {
  sum();
  if (before >= 0) rows()[before]?.querySelector("a").focus({ preventScroll: true });
  before = -1;
});
document.addEventListener("rows-changed", sum);
