// The switcher between the views of a trace: the links take along what the address says now, since the
// page changes it without loading anew. Keys 1 to 5.
const links = [...document.querySelectorAll("[data-view]")];

/** The address of a view with the span, window and filter of this one. */
export function addressOf(view, search) {
  const query = new URLSearchParams(search);
  for (const name of ["view", "page", "from", "tab"]) query.delete(name);
  if (view !== "waterfall") query.set("view", view);
  const text = query.toString();
  return text ? `?${text}` : "?";
}

function renew() {
  for (const link of links) link.setAttribute("href", addressOf(link.dataset.view, location.search));
}

for (const link of links) for (const kind of ["pointerenter", "pointerdown", "focus", "click"]) link.addEventListener(kind, renew);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest?.("input, textarea, select, dialog") || document.querySelector("dialog[open]")) return;
  const link = links[Number(event.key) - 1];
  if (!link || !/^[1-9]$/.test(event.key)) return;
  event.preventDefault();
  link.click();
});

// A menu closes when one clicks beside it or presses Escape.
for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target) || event.target.closest("a")) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  });
}
