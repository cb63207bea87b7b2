// The page of traces around its list: completion, facets, columns, the brush, the live tail.
import { asked } from "./asked.js";
import { watchColumns, watchExports } from "./columns.js";
import { watchCompletion } from "./completion.js";
import { watchTail } from "./tail.js";
import { watchVolume } from "./volume.js";

const form = document.getElementById("filters");
const field = document.getElementById("q");

/** Asks again, with whatever the form says now. */
const submit = () => form.requestSubmit();

watchCompletion(field);
watchColumns(form, submit);
watchExports(form);
watchTail(form);
watchVolume(form, submit);

// A facet is a link to the whole address; with a script only the list is loaded again.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-question]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  field.value = link.dataset.question;
  submit();
});

let underWay = new AbortController();

/** What stands beside the list follows it; what is shown stays until the new is there. */
async function load(place) {
  const response = await fetch(`${place.dataset.beside}?${asked(form)}`, { signal: underWay.signal });
  if (!response.ok || response.redirected || response.status === 204) return;
  // Our own server's template, as htmx would put it in; it escapes whatever was received.
  place.innerHTML = await response.text();
  place.dispatchEvent(new CustomEvent("beside-loaded", { bubbles: true }));
}

function loadAll() {
  underWay.abort();
  underWay = new AbortController();
  // A request that is given up, or a server that is away, leaves what was there.
  for (const place of document.querySelectorAll("[data-beside]")) load(place).catch(() => {});
}

document.addEventListener("traces-changed", loadAll);

const toggle = document.getElementById("facets-toggle");
const facets = document.getElementById("facets");

function showFacets(shown) {
  facets.hidden = !shown;
  toggle.setAttribute("aria-expanded", String(shown));
}

function remembered() {
  try {
    return localStorage.getItem("facets");
  } catch {
    return null;
  }
}

showFacets((remembered() ?? (innerWidth > 1000 ? "shown" : "hidden")) === "shown");
toggle.addEventListener("click", () => {
  showFacets(facets.hidden);
  try {
    localStorage.setItem("facets", facets.hidden ? "hidden" : "shown");
  } catch {
    // Storage may be forbidden; the choice then lasts for this page.
  }
});

// A quick range takes the place of one that was brushed.
document.getElementById("ranges").addEventListener("change", () => form.querySelector("[data-range]")?.remove(), true);

function tellRange() {
  for (const time of document.querySelectorAll("time[data-at]")) {
    const at = new Date(time.dataset.at);
    if (!Number.isNaN(at.getTime())) {
      time.textContent = at.toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
      time.title = time.dataset.at;
    }
  }
  const custom = form.querySelector("[data-range]");
  for (const radio of document.querySelectorAll("#ranges input")) if (custom) radio.checked = false;
}

document.addEventListener("htmx:afterSettle", tellRange);
document.addEventListener("htmx:historyRestore", () => {
  document.getElementById("q").value = new URLSearchParams(location.search).get("q") ?? "";
  tellRange();
});
// Menus close when one looks elsewhere, and by Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
// What is saved is what is shown now, not what the page was loaded with.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-takes-filters]")) return;
  const now = new FormData(form);
  for (const name of ["q", "since", "sort", "columns"]) event.target.elements[name].value = now.get(name) ?? "";
});
tellRange();
loadAll();
