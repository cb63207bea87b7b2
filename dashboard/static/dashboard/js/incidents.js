// Incidents: j and k through the list, a acknowledges; what is read again never moves under the pointer.

const links = () => [...document.querySelectorAll("tr[data-incident] td.problem a")];

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  const all = links();
  if (all.length === 0) return;
  const row = event.target.closest("tr[data-incident]");
  if (step) {
    const at = row ? all.indexOf(row.querySelector("td.problem a")) : -1;
    all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)].focus();
    event.preventDefault();
  } else if (event.key === "a" && row) {
    row.querySelector("button[name=acknowledge]")?.click();
    event.preventDefault();
  }
});

// Whole rows are clickable.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-incident]");
  if (!row || event.target.closest("a, button") || String(getSelection())) return;
  const link = row.querySelector("td.problem a");
  if (event.ctrlKey || event.metaKey) open(link.href, "_blank", "noopener");
  else link.click();
});

const order = (root) => [...root.querySelectorAll("tr[data-incident]")].map((row) => row.dataset.incident).join();

/** An open menu or a pointer in the act of choosing is not disturbed: the next poll is a few seconds away. */
function busy(part) {
  if (part.querySelector("details[open]")) return true;
  return part.id !== "incident-rows" && part.querySelector("button:hover, button:focus-visible") !== null;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches("#incident-now, #incident-rows") && busy(event.target)) event.preventDefault();
});

// Nor when the answer was on its way already. What was done on the page itself is shown at once.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  const isPoll = requestConfig?.verb === "get" && requestConfig.elt === target;
  if (isPoll && target.matches("#incident-now, #incident-rows") && busy(target)) event.detail.shouldSwap = false;
});

// Rows that come or go would move the others: under the pointer they wait for a word.
let waiting = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr, requestConfig } = event.detail;
  if (target.id !== "incident-rows" || requestConfig?.verb !== "get" || !target.querySelector("form:hover")) return;
  const coming = new DOMParser().parseFromString(xhr.response, "text/html");
  if (order(coming) === order(target)) return;
  event.detail.shouldSwap = false;
  waiting ??= Object.assign(document.createElement("button"), { type: "button", className: "changed-since", textContent: "The list has changed: show" });
  if (!waiting.isConnected) target.querySelector(".counts").append(" ", waiting);
});
document.addEventListener("click", (event) => {
  if (event.target !== waiting) return;
  waiting = null;
  globalThis.htmx.ajax("GET", document.getElementById("incident-rows").getAttribute("hx-get"), { target: "#incident-rows", swap: "outerHTML" });
});

/** The reader's zone, for what is said by the clock ("tomorrow 9:00"). */
function tellZone(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const field of root.querySelectorAll("[data-zone-name]")) if (field.value === "UTC" && zone) field.value = zone;
  for (const word of root.querySelectorAll("[data-zone-word]")) word.textContent = "";
}

/** As ranges.js does when a page begins, for what came since. */
function tellTimes(root) {
  const two = (number) => String(number).padStart(2, "0");
  for (const time of root.querySelectorAll("time[data-local]")) {
    if (time.title) continue;
    const at = new Date(time.dateTime);
    time.title = at.toISOString().replace("T", " ").replace(/\.000Z|Z/, " UTC");
    time.textContent = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
  }
}

document.addEventListener("htmx:afterSettle", () => {
  tellZone(document);
  tellTimes(document);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.target.matches("[data-clears]")) event.target.reset();
});
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.menu[open]")) if (!open.contains(event.target)) open.open = false;
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
tellZone(document);
tellTimes(document);
