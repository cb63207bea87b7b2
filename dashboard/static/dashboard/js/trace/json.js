// JSON trees: a row's path and value can be copied, by pointing at it or by keys. One small tool for all rows,
// since a tree has thousands. Arrow keys move through the rows, p copies the path, v the value.
import { copy, copyFrom, say } from "../clipboard.js";

const tool = document.createElement("span");
tool.className = "j-tools";
for (const [what, word, key] of [["path", "Path", "p"], ["value", "Value", "v"]]) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: word, title: `Copy the ${what} (${key})`, tabIndex: -1 });
  button.dataset.json = what;
  tool.append(button);
}

/** The keys from the root down to a row; numbers are places in arrays. */
export function keysOf(row) {
  const keys = [];
  for (let at = row; at; at = at.parentElement?.closest(".json li")) {
    const head = at.querySelector(":scope > .j-key, :scope > .j-index, :scope > details > summary > .j-key, :scope > details > summary > .j-index");
    if (!head) continue;
    if (head.matches(".j-index")) keys.unshift(Number(head.textContent));
    else keys.unshift(head.dataset.key === undefined ? head.textContent : decodeURIComponent(head.dataset.key));
  }
  return keys;
}

/** `$.messages[0].content`, as JSONPath writes it. */
export function pathText(keys) {
  const parts = keys.map((key) => {
    if (typeof key === "number") return `[${key}]`;
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  });
  return `$${parts.join("")}`;
}

/** The same as a JSON pointer (RFC 6901), for the server. */
export function pointer(keys) {
  return keys.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function copyValue(row) {
  const scalar = row.querySelector(":scope > .j-string, :scope > .j-number, :scope > .j-word");
  const source = row.closest(".json").dataset.source;
  if (scalar && scalar.dataset.altered === undefined) copy(scalar.textContent);
  else if (source) copyFrom(`${source}as=text&at=${encodeURIComponent(pointer(keysOf(row)))}`);
  else if (scalar) copy(scalar.textContent);
  else say("Only the download has this value");
}

function act(what, row) {
  if (what === "path") copy(pathText(keysOf(row)));
  else copyValue(row);
}

document.addEventListener("pointerover", (event) => {
  const row = event.target.closest?.(".json li:not(.j-more)");
  if (row && tool.parentElement !== row) row.append(tool);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-json]");
  if (button) act(button.dataset.json, button.closest("li"));
});

const isShown = (row) => row.checkVisibility?.() ?? row.offsetParent !== null;

function move(tree, row, by) {
  const rows = [...tree.querySelectorAll("li")].filter(isShown);
  const next = rows[row ? rows.indexOf(row) + by : 0];
  if (!next) return;
  const button = next.querySelector(":scope > button");
  if (!button) next.tabIndex = -1;
  (button ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

const keys = {
  ArrowDown: (tree, row) => move(tree, row, 1),
  ArrowUp: (tree, row) => move(tree, row, -1),
  ArrowRight: (tree, row) => row?.querySelector(":scope > details")?.setAttribute("open", ""),
  ArrowLeft(tree, row) {
    const fold = row?.querySelector(":scope > details[open]");
    if (fold) fold.open = false;
    else row?.parentElement.closest(".json li")?.focus();
  },
  p: (tree, row) => row && act("path", row),
  v: (tree, row) => row && act("value", row),
};

document.addEventListener(
  "keydown",
  (event) => {
    const tree = event.target.closest?.("ul.json");
    if (!tree || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key](tree, event.target.closest(".json li"));
  },
  true,
);
