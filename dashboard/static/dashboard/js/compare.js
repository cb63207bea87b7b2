// Comparing two traces: jumping from difference to difference (n, p), unfolding same steps, and one step in detail.
const table = document.querySelector(".compare-steps");

function unfold(button) {
  const rows = button.closest("tbody").nextElementSibling;
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  rows.classList.toggle("is-folded", !open);
}

/** The detail stands in a row of its own below the step; it is loaded once. */
function detail(button) {
  const row = button.closest("tr");
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  const own = row.nextElementSibling?.classList.contains("detail-row") ? row.nextElementSibling : null;
  if (own) {
    own.hidden = !open;
    return;
  }
  const made = document.createElement("tr");
  made.className = "detail-row";
  const cell = made.insertCell();
  cell.colSpan = row.cells.length;
  row.after(made);
  const query = new URLSearchParams({ a: table.dataset.a, b: table.dataset.b, step_a: button.dataset.stepA, step_b: button.dataset.stepB });
  globalThis.htmx.ajax("GET", `${table.dataset.step}?${query}`, { source: cell, target: cell, swap: "innerHTML" });
}

const differences = table ? [...table.querySelectorAll("tr.differs")] : [];
let at = -1;

function go(to) {
  const row = differences[to];
  if (!row) return;
  differences[at]?.classList.remove("is-chosen");
  at = to;
  row.classList.add("is-chosen");
  row.scrollIntoView({ block: "center" });
  (row.querySelector("button") ?? row.querySelector("a")).focus({ preventScroll: true });
  document.getElementById("compare-place").textContent = `${at + 1} of ${differences.length}`;
}

/** From wherever one is, around at the ends. */
const step = (by) => go(at < 0 && by < 0 ? differences.length - 1 : (at + by + differences.length) % differences.length);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unfold], [data-step-a], [data-difference], [data-first]");
  if (!button) return;
  if (button.dataset.unfold !== undefined) unfold(button);
  else if (button.dataset.stepA) detail(button);
  else if (button.dataset.difference) step(Number(button.dataset.difference));
  else {
    event.preventDefault();
    go(Math.max(differences.findIndex((row) => row.id === "first"), 0));
  }
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !differences.length) return;
  if (event.target.closest?.("input, textarea, select, dialog") || document.querySelector("dialog[open]")) return;
  const by = { n: 1, p: -1 }[event.key];
  if (!by || event.target.closest?.(".json")) return;
  event.preventDefault();
  step(by);
});
