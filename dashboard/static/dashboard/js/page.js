// What every page can do: theme, help, copying, filtering rows, keys, relative times, quiet polls.
import { copy, copyFrom, say } from "./clipboard.js";
import { ago } from "./format.js";

const root = document.documentElement;
const THEMES = ["", "light", "dark"];

function tellTheme() {
  const word = document.querySelector("[data-theme-word]");
  if (word) word.textContent = { light: "Light", dark: "Dark" }[root.dataset.theme] ?? "System";
}

function nextTheme() {
  const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "") + 1) % THEMES.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // Storage may be forbidden; the choice then lasts for this page.
  }
  tellTheme();
}

const actions = {
  theme: nextTheme,
  help: () => document.getElementById("help").showModal(),
  "drop-chip"(button) {
    const { form } = button.closest(".chip").querySelector("input");
    button.closest(".chip").remove();
    form.requestSubmit();
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action], [data-copy], [data-copy-from], [data-copy-url]");
  if (!button) return;
  if (button.dataset.copyUrl) return void copyFrom(button.dataset.copyUrl);
  if (button.dataset.copy !== undefined) copy(button.dataset.copy);
  else if (button.dataset.copyFrom) copy(document.querySelector(button.dataset.copyFrom)?.textContent ?? "");
  else actions[button.dataset.action]?.(button);
});

document.addEventListener("change", (event) => {
  if (event.target.dataset?.action === "submit") event.target.form.requestSubmit();
});

document.addEventListener("input", (event) => {
  const holder = event.target.dataset?.filterRows;
  if (!holder) return;
  const wanted = event.target.value.toLowerCase();
  for (const row of document.querySelectorAll(`${holder} [data-row]`)) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
  }
});

// A tooltip can be sent away without moving the pointer or the focus (WCAG 1.4.13); leaving brings it back.
document.addEventListener(
  "keydown",
  (event) => {
    const open = event.key === "Escape" && document.querySelector(".why:hover:not(.is-quiet), .why:focus:not(.is-quiet)");
    if (!open) return;
    open.classList.add("is-quiet");
    event.stopImmediatePropagation();
  },
  true,
);
for (const end of ["pointerout", "focusout"]) {
  document.addEventListener(end, (event) => event.target.closest?.(".why")?.classList.remove("is-quiet"));
}

let chord = "";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest("input, textarea, select");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  if (event.key === "?") actions.help();
  else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    search?.focus();
    search?.select();
  } else if (chord === "g" && event.key === "t") location.assign(document.getElementById("nav-traces").href);
  else {
    chord = event.key === "g" ? "g" : "";
    return;
  }
  chord = "";
  event.preventDefault();
});

/** The list is left and found again with the same filters. */
function keepList() {
  try {
    const here = document.getElementById("nav-traces");
    // Where one comes from says it too, and at once: the storage may lag behind a page that is left quickly.
    const from = document.referrer ? new URL(document.referrer) : null;
    const place = new URL(here.href);
    if (here.getAttribute("aria-current")) sessionStorage.setItem("list", location.search);
    else if (from?.origin === place.origin && from.pathname === place.pathname) sessionStorage.setItem("list", from.search);
    const query = sessionStorage.getItem("list") ?? "";
    for (const link of document.querySelectorAll("[data-back]")) link.search = query;
  } catch {
    // Without storage the links lead to the unfiltered list.
  }
}

function tellTimes() {
  const now = Date.now() / 1000;
  for (const time of document.querySelectorAll("[data-ns]")) time.textContent = ago(now - Number(time.dataset.ns) / 1e9);
}

// A page that nobody looks at asks nothing.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.matches("[data-quiet]")) event.preventDefault();
});
document.addEventListener("htmx:sendError", () => say("The server does not answer"));
document.addEventListener("htmx:pushedIntoHistory", keepList);

tellTheme();
keepList();
tellTimes();
setInterval(tellTimes, 15000);
const reload = document.querySelector("[data-reload]");
if (reload) setTimeout(() => location.reload(), Number(reload.dataset.reload) * 1000);
