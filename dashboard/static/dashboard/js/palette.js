// "Go to", opened by Ctrl-K: pages at once, from the navigation; what is stored, from the server.
// The combobox pattern of the ARIA practices: the focus stays in the field, which names the chosen option.

const WAIT = 100;
const ICONS = { agent: "agent", tool: "tool", model: "llm", session: "sessions", trace: "list", finding: "finding", search: "retrieval" };

/** The pages whose words begin with the text: all of them for an empty one. */
export function matching(pages, text) {
  const wanted = text.trim().toLowerCase();
  return pages.filter(({ label }) => ` ${label.toLowerCase()}`.includes(` ${wanted}`) || wanted === "");
}

/** The chosen place after a step of `by` among `count`, around the ends. */
export function stepped(chosen, by, count) {
  return count === 0 ? -1 : (chosen + by + count) % count;
}

class Palette {
  constructor(element) {
    this.element = element;
    this.field = element.querySelector("input");
    this.list = element.querySelector("[role=listbox]");
    this.said = element.querySelector("[role=status]");
    this.options = [];
    this.chosen = -1;
    this.moved = false; // by the arrows, since something was typed
    this.asked = 0;
    element.addEventListener("beforetoggle", (event) => {
      if (event.newState === "open") this.begin();
    });
    element.addEventListener("toggle", (event) => {
      if (event.newState === "closed") this.asked += 1;
    });
    this.field.addEventListener("input", () => this.ask());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    document.addEventListener("keydown", (event) => this.call(event), true);
  }

  call(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    event.stopPropagation();
    document.querySelector("dialog[open]")?.close(); // nothing outside a modal dialog can have the focus
    this.element.togglePopover();
  }

  begin() {
    this.field.value = "";
    this.answered = "";
    this.moved = false;
    this.pages = [...document.querySelectorAll(".nav a.nav-link")].map((link) => ({
      kind: "page",
      label: link.textContent.trim(),
      about: "page",
      href: link.href,
      icon: link.querySelector("use")?.getAttribute("href"),
    }));
    this.show(this.pages);
  }

  ask() {
    const text = this.field.value.trim();
    const number = ++this.asked;
    const pages = matching(this.pages, text);
    this.moved = false;
    clearTimeout(this.timer);
    if (text === "") {
      this.show(pages);
      return;
    }
    // What was found for less text stays until the rest is there, so that nothing jumps while typing.
    this.timer = setTimeout(async () => {
      const found = await this.fetch(text);
      if (number !== this.asked) return;
      this.show(found === null ? pages : [...pages, ...found]);
      this.answered = text;
      if (found === null) this.said.textContent = "The server does not answer: only pages are offered.";
    }, WAIT);
    if (pages.length) this.show([...pages, ...this.options.filter((one) => one.kind !== "page" && one.kind !== "search")]);
  }

  async fetch(text) {
    try {
      const answer = await fetch(`${this.field.dataset.address}?${new URLSearchParams({ q: text })}`, { headers: { accept: "application/json" } });
      return answer.ok && !answer.redirected ? (await answer.json()).options : null;
    } catch {
      return null;
    }
  }

  /** The first is chosen, unless another was while these were on their way. */
  show(options) {
    const held = this.moved ? options.findIndex((one) => one.href === this.options[this.chosen]?.href) : -1;
    this.options = options;
    this.list.replaceChildren(...options.map((one, number) => this.option(one, number)));
    this.said.textContent = options.length === 1 ? "1 place" : `${options.length} places`;
    this.chosen = -1;
    this.choose(options.length ? Math.max(held, 0) : -1);
  }

  option(one, number) {
    const item = document.createElement("a");
    item.href = one.href;
    item.tabIndex = -1;
    item.id = `palette-option-${number}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", one.icon ?? `#icon-${ICONS[one.kind] ?? "list"}`);
    icon.append(use);
    const label = document.createElement("span");
    label.className = "clip";
    label.textContent = one.label;
    const about = document.createElement("span");
    about.className = "soft";
    about.textContent = one.about;
    item.append(icon, label, about);
    return item;
  }

  choose(number) {
    this.list.children[this.chosen]?.setAttribute("aria-selected", "false");
    this.chosen = number;
    const item = this.list.children[number];
    if (!item) {
      this.field.removeAttribute("aria-activedescendant");
      return;
    }
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", item.id);
  }

  /** Gives the focus back; if nothing had it, the hidden field would keep it, and the next key, until the next frame. */
  close() {
    this.element.hidePopover();
    this.field.blur();
  }

  step(by) {
    this.moved = true;
    this.choose(stepped(this.chosen, by, this.options.length));
  }

  key(event) {
    if (event.key === "ArrowDown") this.step(1);
    else if (event.key === "ArrowUp") this.step(-1);
    else if (event.key === "Enter") this.go(event);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation(); // the page has other uses for these keys
  }

  /** Follows the chosen link as if it were clicked, so that Ctrl-Enter opens it in a tab. */
  async go(event) {
    clearTimeout(this.timer);
    const text = this.field.value.trim();
    // Somebody who pastes an id and presses Enter at once means what will be found.
    if (text !== "" && this.answered !== text && matching(this.pages, text).length === 0) {
      const number = ++this.asked;
      const found = await this.fetch(text);
      if (number !== this.asked) return;
      this.show(found ?? []);
      this.answered = text;
    }
    this.list.children[this.chosen]?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey }));
  }
}

if (globalThis.document) {
  const element = document.getElementById("palette");
  if (element) new Palette(element);
}
