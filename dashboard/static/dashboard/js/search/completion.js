// Completion in the search field: the combobox pattern of the ARIA practices, with a list of options.

const WAIT = 120;

/** The text with `insert` in place of text[start:end], and where the caret goes. A space follows a value. */
export function completed(text, start, end, insert) {
  const rest = text.slice(end);
  const open = /[:>.(]$/.test(insert);
  const after = open ? insert : `${insert} `;
  return { text: text.slice(0, start) + after + (open ? rest : rest.replace(/^ /, "")), caret: start + after.length };
}

/**
 * Where the word text[start:end] ends that an answer about `about` completes, now that the field holds `text`: letters
 * typed since belong to it. Null when the answer no longer fits.
 */
export function grown({ start, end, about }, text) {
  const now = end + text.length - about.length;
  const around = text.startsWith(about.slice(0, start)) && text.endsWith(about.slice(end));
  return around && now >= start && !/\s/.test(text.slice(end, now)) ? now : null;
}

export function watchCompletion(field) {
  const list = document.getElementById(field.getAttribute("aria-controls"));
  const kept = new Map();
  let answer = null;
  let chosen = -1;
  let timer = 0;
  let asked = 0;

  function close() {
    clearTimeout(timer);
    asked += 1;
    answer = null;
    chosen = -1;
    list.hidden = true;
    list.replaceChildren();
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function option(one, number) {
    const item = document.createElement("li");
    item.id = `q-option-${number}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    const label = document.createElement("span");
    label.textContent = one.label;
    const about = document.createElement("span");
    about.className = "soft";
    about.textContent = one.count === null ? one.about : `${one.count} ${one.count === 1 ? "trace" : "traces"}`;
    item.append(label, about);
    // Before the field loses the focus.
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      take(number);
    });
    return item;
  }

  function show(found) {
    // What was chosen while this answer was on its way stays chosen.
    const held = answer?.options[chosen]?.insert;
    const same = found.options.length === 1 && field.value.slice(found.start, found.end) === found.options[0].insert;
    if (found.options.length === 0 || (same && held !== found.options[0].insert)) {
      close();
      return;
    }
    answer = found;
    chosen = -1;
    list.replaceChildren(...found.options.map(option));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    field.removeAttribute("aria-activedescendant");
    const again = found.options.findIndex((one) => one.insert === held);
    if (again >= 0) choose(again);
  }

  function letGo() {
    if (chosen >= 0) list.children[chosen].setAttribute("aria-selected", "false");
    field.removeAttribute("aria-activedescendant");
    chosen = -1;
  }

  function choose(number) {
    const items = list.children;
    if (chosen >= 0) items[chosen].setAttribute("aria-selected", "false");
    chosen = (number + items.length) % items.length;
    items[chosen].setAttribute("aria-selected", "true");
    items[chosen].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", items[chosen].id);
  }

  function take(number) {
    const made = completed(field.value, answer.start, grown(answer, field.value), answer.options[number].insert);
    field.value = made.text;
    field.setSelectionRange(made.caret, made.caret);
    close();
    // As if it had been typed: the list is asked for again, and what may follow.
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async function ask() {
    const number = ++asked;
    const now = new FormData(field.form);
    const about = field.value;
    const query = new URLSearchParams({ q: about, at: String(field.selectionStart) });
    for (const name of ["since", "until"]) if (now.get(name)) query.set(name, now.get(name));
    const address = `${field.dataset.complete}?${query}`;
    if (!kept.has(address)) {
      const response = await fetch(address, { headers: { accept: "application/json" } });
      if (!response.ok || response.redirected) return;
      if (kept.size > 200) kept.clear();
      kept.set(address, await response.json());
    }
    if (number === asked && field.value === about && document.activeElement === field) show({ ...kept.get(address), about });
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(() => ask().catch(close), WAIT);
  }

  field.addEventListener("input", () => {
    letGo();
    // Everything may follow nothing: such a list would only lie over what one turns to next. Ctrl+Space shows it.
    if (field.value === "" || (answer && grown(answer, field.value) === null)) close();
    if (field.value !== "") soon();
  });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      ask().catch(close);
      return;
    }
    if (list.hidden) {
      if (event.key === "Enter") close();
      return;
    }
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(chosen);
    else if (event.key === "Escape") close();
    else {
      if (event.key === "Enter") close();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
}
