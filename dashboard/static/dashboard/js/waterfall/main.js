// The waterfall of the trace page: fetches the columns, draws them, and keeps address and drawer in step.
import * as address from "./address.js";
import { Drawer } from "./drawer.js";
import { Idle } from "./idle.js";
import { bind } from "./keys.js";
import { ROW, isWhole, pan, readWindow, squeezedTicks, ticks, writeWindow, zoom } from "./layout.js";
import { Live } from "./live.js";
import { Minimap } from "./minimap.js";
import { FLAGS, GROUP, HIDDEN, Model } from "./model.js";
import { Tip } from "./tip.js";
import { View } from "./view.js";

const byId = (id) => document.getElementById(id);
const GLIDE_MS = 120;

class Waterfall {
  constructor(root) {
    this.root = root;
    this.state = { model: null, window: [0, 1], selected: -1, critical: true, sums: false };
    this.scroller = byId("wf-scroll");
    this.filterField = byId("wf-q");
    this.axis = byId("wf-axis");
    this.base = root.dataset.columns.replace(/columns\/$/, "");
    this.drawer = new Drawer(byId("drawer"), this.base);
    this.opened = []; // what "+N hidden" rows were pressed
  }

  /** The columns, with what must be among the rows; null when they would be those of version `known`. */
  async fetchColumns(known = "") {
    const query = new URLSearchParams();
    const span = this.state.model?.ids[this.state.selected] ?? this.root.dataset.selected;
    if (span) query.set("span", span);
    for (const under of this.opened) query.append("under", under);
    if (known) query.set("known", known);
    const answer = await fetch(`${this.root.dataset.columns}${query.size ? `?${query}` : ""}`);
    if (answer.status === 204) return null;
    if (!answer.ok) throw new Error(`columns: ${answer.status}`);
    return answer.json();
  }

  async start() {
    let columns;
    try {
      columns = await this.fetchColumns();
    } catch {
      byId("wf-count").textContent = "The spans could not be loaded; reload the page to try again.";
      return;
    }
    this.receivedAt = performance.now();
    this.state.model = new Model(columns);
    this.state.window = [0, this.state.model.whole];
    this.view = new View(this.scroller, byId("wf-rows"), byId("wf-over"), this.axis, this.state);
    this.view.start();
    this.minimap = new Minimap(byId("wf-map"), this.state, (window) => this.setWindow(window));
    this.idle = new Idle(byId("wf-gaps"), this.state);
    this.tip = new Tip(byId("wf-tip"));
    this.state.model.filter(this.filterField.value);
    this.applyAddress();
    this.view.draw();
    this.drawnAt = performance.now();
    this.root.classList.add("is-live");
    bind(this, this.scroller);
    this.listen();
    this.tell();
    requestAnimationFrame(() => this.minimap.redraw());
    this.live = new Live(() => this.follow());
    if (columns.running) this.live.start();
  }

  listen() {
    const actions = {
      "prev-error": () => this.jumpToError(-1),
      "next-error": () => this.jumpToError(1),
      "next-finding": () => this.jumpToFinding(1),
      "fold-all": () => this.foldAll(true),
      less: () => this.foldLevel(),
      more: () => this.unfoldLevel(),
      "unfold-all": () => this.foldAll(false),
      critical: () => this.toggleCritical(),
      groups: () => this.toggleGroups(),
      sums: () => this.toggleSums(),
      squeeze: () => this.toggleSqueeze(),
      whole: () => this.showWhole(),
      link: () => this.offerLink(),
    };
    for (const button of this.root.querySelectorAll("[data-wf]")) {
      button.disabled = false;
      button.addEventListener("click", actions[button.dataset.wf]);
    }
    this.filterField.disabled = false;
    this.filterField.addEventListener("input", () => this.filter(this.filterField.value));
    this.scroller.addEventListener("click", (event) => this.click(event));
    this.scroller.addEventListener("pointerover", (event) => this.hover(event));
    this.scroller.addEventListener("pointerleave", () => this.tip.hide());
    this.scroller.addEventListener("scroll", () => this.tip.hide(), { passive: true });
    this.scroller.addEventListener("blur", () => this.tip.hide());
    this.root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    addEventListener("popstate", () => this.applyAddress(true));
    this.drawer.element.addEventListener("click", (event) => this.clickInDrawer(event));
    document.addEventListener("click", (event) => this.clickFinding(event));
    new ResizeObserver(() => this.drawAxis()).observe(this.axis);
  }

  button(name) {
    return this.root.querySelector(`[data-wf="${name}"]`);
  }

  /** Everything outside the rows that depends on the model. */
  tell() {
    const { model } = this.state;
    const errors = model.errors.length;
    byId("wf-errors").textContent = errors === 1 ? "1 error" : `${errors.toLocaleString("en")} errors`;
    for (const button of this.root.querySelectorAll('[data-wf$="error"]')) button.disabled = errors === 0;
    const findings = model.findings.length;
    byId("wf-found").textContent = findings === 1 ? "1 finding" : `${findings} findings`;
    this.root.querySelector("[data-wf-findings]").hidden = findings === 0;
    this.button("next-finding").disabled = model.found.length === 0;
    this.button("groups").hidden = model.groups.length === 0;
    this.button("squeeze").hidden = model.gaps.length === 0;
    this.root.classList.toggle("is-growing", model.isRunning);
    this.count();
  }

  count() {
    const { model } = this.state;
    const words = (number) => number.toLocaleString("en");
    const all = model.spans < model.total ? `${words(model.spans)} of ${words(model.total)} spans` : `${words(model.total)} span${model.total === 1 ? "" : "s"}`;
    const of = model.spans < model.total ? `${words(model.spans)} shown` : words(model.total);
    byId("wf-count").textContent = model.kept === null ? all : `${words(model.matches)} of ${of}`;
  }

  /** Takes over what the address says: span, window, filter. */
  applyAddress(isMove = false) {
    const wanted = address.read();
    const { model } = this.state;
    if (isMove && this.filterField.value !== wanted.q) {
      this.filterField.value = wanted.q;
      this.filter(wanted.q, false);
    }
    const real = readWindow(wanted.t, model.realWhole);
    this.state.window = real ? real.map((time) => model.squeeze.toShown(time)) : [0, model.whole];
    const node = wanted.span ? model.nodeOf(wanted.span) : -1;
    this.drawer.tab = wanted.tab;
    if (node >= 0) {
      this.select(node, true);
      if (this.isReceived(node)) this.drawer.open(wanted.span, wanted.tab);
    } else if (isMove) this.drawer.close();
    this.changed();
  }

  changed() {
    this.view.refresh();
    this.drawAxis();
    this.minimap.brush();
  }

  drawAxis() {
    const width = this.axis.clientWidth;
    const { model, window } = this.state;
    if (!width || !model) return;
    const places = model.isSqueezed ? squeezedTicks(model.squeeze, window, width) : ticks(window, width);
    const marks = places.map(([, x, words]) => {
      const mark = document.createElement("span");
      mark.style.transform = `translateX(${x}px)`;
      mark.textContent = words;
      if (x > width - 44) mark.className = "is-last";
      return mark;
    });
    this.axis.replaceChildren(...marks);
    this.button("whole").disabled = isWhole(window, model.whole);
    this.idle.draw();
  }

  setWindow(window) {
    this.state.window = window;
    this.changed();
    clearTimeout(this.writing);
    this.writing = setTimeout(() => address.write({ t: this.windowInAddress() }), 250);
  }

  windowInAddress() {
    const { model, window } = this.state;
    return isWhole(window, model.whole) ? "" : writeWindow(window.map((time) => model.squeeze.toReal(time)), Infinity);
  }

  /** Moves to a window in a few frames, so that the eye can follow; a new goal starts from where it is. */
  glideTo(goal) {
    cancelAnimationFrame(this.gliding);
    this.goal = goal;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.setWindow(goal);
      return;
    }
    const from = this.state.window;
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(Math.max(now - began, 0) / GLIDE_MS, 1);
      const eased = 1 - (1 - share) ** 3;
      this.setWindow(share === 1 ? goal : from.map((time, k) => time + (goal[k] - time) * eased));
      if (share < 1) this.gliding = requestAnimationFrame(step);
      else this.goal = null;
    };
    this.gliding = requestAnimationFrame(step);
  }

  zoomBy(factor) {
    const window = this.goal ?? this.state.window;
    this.glideTo(zoom(window, factor, (window[0] + window[1]) / 2, this.state.model.whole));
  }

  panBy(share) {
    const [from, to] = this.goal ?? this.state.window;
    this.glideTo(pan([from, to], (to - from) * share, this.state.model.whole));
  }

  showWhole() {
    this.glideTo([0, this.state.model.whole]);
  }

  wheel(event) {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    const box = this.axis.getBoundingClientRect();
    const { window, model } = this.state;
    const [from, to] = window;
    if (!event.ctrlKey) this.setWindow(pan(window, ((to - from) * event.deltaX) / Math.max(box.width, 1), model.whole));
    else {
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      const factor = Math.exp(Math.max(Math.min(event.deltaY, 100), -100) * 0.004);
      this.setWindow(zoom(window, factor, from + share * (to - from), model.whole));
    }
  }

  toggleCritical() {
    this.state.critical = !this.state.critical;
    this.button("critical").setAttribute("aria-pressed", String(this.state.critical));
    this.view.refresh();
  }

  toggleGroups() {
    const { model } = this.state;
    if (model.groups.length === 0) return;
    this.keepingPlace(() => model.setGrouping(!model.grouping));
    this.button("groups").setAttribute("aria-pressed", String(model.grouping));
  }

  toggleSums() {
    this.state.sums = !this.state.sums;
    this.button("sums").setAttribute("aria-pressed", String(this.state.sums));
    byId("wf-h-tokens").textContent = this.state.sums ? "Tokens so far" : "Tokens";
    byId("wf-h-cost").textContent = this.state.sums ? "Cost so far" : "Cost";
    this.view.refill();
  }

  toggleSqueeze() {
    const { model, window } = this.state;
    if (model.gaps.length === 0) return;
    const whole = isWhole(window, model.whole);
    const real = window.map((time) => model.squeeze.toReal(time));
    model.setSqueezed(!model.isSqueezed);
    this.button("squeeze").setAttribute("aria-pressed", String(model.isSqueezed));
    this.state.window = whole ? [0, model.whole] : real.map((time) => model.squeeze.toShown(time));
    this.changed();
    this.minimap.redraw();
  }

  filter(text, write = true) {
    const { state } = this;
    state.model.filter(text);
    if (write) address.write({ q: text.trim() });
    this.count();
    if (state.selected >= 0 && state.model.rowOf(state.selected) >= 0) this.view.scrollTo(state.model.rowOf(state.selected));
    this.view.refresh();
  }

  /** Copies the address with the chosen span, whether or not its drawer is open; page.js does the copying. */
  offerLink() {
    const link = new URL(location.href);
    const { model, selected } = this.state;
    if (selected >= 0 && this.isReceived(selected)) link.searchParams.set("span", model.ids[selected]);
    const window = this.windowInAddress();
    if (window) link.searchParams.set("t", window);
    this.button("link").dataset.copy = link.href;
  }

  /** Whether a node is a span that can be opened. */
  isReceived(node) {
    const { model } = this.state;
    return model.kind[node] !== GROUP && model.kind[node] !== HIDDEN && !(model.flags[node] & FLAGS.running);
  }

  /** Chooses a node; an open drawer follows, a moment later so that held keys do not flood the server. */
  choose(node) {
    this.select(node);
    if (!this.drawer.isOpen) return;
    clearTimeout(this.following);
    this.following = setTimeout(() => {
      if (!this.isReceived(this.state.selected)) return;
      const spanId = this.state.model.ids[this.state.selected];
      address.write({ span: spanId });
      this.drawer.open(spanId);
    }, 120);
  }

  chooseRow(row) {
    const { model } = this.state;
    if (model.count === 0) return;
    this.choose(model.visible[Math.min(Math.max(row, 0), model.count - 1)]);
    this.tellFindings();
  }

  select(node, centred = false) {
    const { model } = this.state;
    this.state.selected = node;
    model.reveal(node);
    if (model.rowOf(node) < 0) {
      this.filterField.value = "";
      this.filter("");
    }
    this.view.version += 1;
    this.view.draw(); // sets the height that the scroll position needs
    this.view.scrollTo(model.rowOf(node), centred);
    this.view.refresh();
  }

  open(node) {
    if (node < 0) return;
    const { model } = this.state;
    if (node !== this.state.selected) this.select(node);
    if (model.kind[node] === GROUP) this.fold(node, model.collapsed[node] === 0);
    else if (model.kind[node] === HIDDEN) this.openHidden(node);
    else if (this.isReceived(node)) {
      address.write({ span: model.ids[node] }, true);
      this.drawer.open(model.ids[node]);
    }
  }

  escape() {
    if (this.tip.isShown || this.telling) {
      this.telling = null;
      this.tip.hide();
    } else if (this.drawer.isOpen) {
      this.drawer.close();
      address.write({ span: "", tab: "" }, true);
      this.scroller.focus({ preventScroll: true });
    }
  }

  fold(node, wanted) {
    this.state.model.setCollapsed(node, wanted);
    this.view.refresh();
  }

  foldAll(wanted) {
    this.keepingPlace(() => this.state.model.foldAll(wanted));
  }

  foldLevel() {
    this.keepingPlace(() => this.state.model.foldLevel());
  }

  unfoldLevel() {
    this.keepingPlace(() => this.state.model.unfoldLevel());
  }

  jumpToError(direction) {
    this.jumpTo(this.state.model.nextError(this.state.selected, direction));
  }

  jumpToFinding(direction) {
    this.jumpTo(this.state.model.nextFinding(this.state.selected, direction));
    this.tellFindings();
  }

  jumpTo(node) {
    if (node < 0) return;
    this.choose(node);
    this.scroller.focus({ preventScroll: true });
  }

  /** Shows what was found at the chosen row, if anything was. */
  tellFindings() {
    const { model, selected } = this.state;
    const found = model.foundAt.get(selected);
    const telling = found ? {} : null;
    this.telling = telling;
    if (!found) {
      this.tip.hide();
      return;
    }
    // After the row was drawn where it belongs, and after the scrolling that would send the tip away.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (this.telling !== telling) return; // another row, or Escape, came in between
        this.telling = null;
        const row = byId(`wf-row-${selected}`);
        if (row && this.state.selected === selected) this.tip.show(found, row.querySelector(".wf-found").getBoundingClientRect());
      }),
    );
  }

  hover(event) {
    const mark = event.target.closest(".wf-found");
    const found = mark && this.state.model.foundAt.get(this.state.model.nodeOf(mark.closest(".wf-row").dataset.spanId));
    if (found) this.tip.show(found, mark.getBoundingClientRect());
    else this.tip.hide();
  }

  /** Does something to the rows while the one at the top, or the chosen one if it shows, stays where it is. */
  keepingPlace(change) {
    const before = this.state.model;
    const { scrollTop, clientHeight } = this.scroller;
    const chosen = before.rowOf(this.state.selected);
    const shows = chosen >= 0 && chosen * ROW >= scrollTop && chosen * ROW < scrollTop + clientHeight;
    // A "hidden" row moves away from what it opened, so that is no place to stay at.
    const stays = shows && before.kind[this.state.selected] !== HIDDEN;
    const row = Math.min(stays ? chosen : Math.ceil(scrollTop / ROW), Math.max(before.count - 1, 0));
    const id = before.count ? before.ids[before.visible[row]] : "";
    change();
    const { model } = this.state;
    let node = model.nodeOf(id);
    while (node >= 0 && model.rowOf(node) < 0) node = model.parentOf(node);
    this.view.contents += 1;
    this.view.version += 1;
    this.view.draw(); // sets the height that the scroll position needs
    if (node >= 0 && scrollTop > 0) this.scroller.scrollTop = scrollTop + (model.rowOf(node) - row) * ROW;
    this.view.refresh();
  }

  /** Puts newer columns in the place of those shown: place, choice, folding, filter and window stay. */
  replace(columns) {
    const old = this.state.model;
    const selected = old.ids[this.state.selected] ?? "";
    const wasWhole = isWhole(this.state.window, old.whole);
    const real = this.state.window.map((time) => old.squeeze.toReal(time));
    this.keepingPlace(() => {
      const model = new Model(columns);
      model.adopt(old);
      // An earlier span than any before moves the zero of all times.
      const later = Number(BigInt(old.t0) - BigInt(model.t0)) / 1000;
      this.state.model = model;
      this.state.window = wasWhole ? [0, model.whole] : real.map((time) => model.squeeze.toShown(time + later));
      this.state.selected = selected ? model.nodeOf(selected) : -1;
      // The chosen "hidden" row was opened whole: its parent takes its place.
      if (this.state.selected < 0 && selected) this.state.selected = model.nodeOf(selected.replace(/^more-/, ""));
      model.filter(this.filterField.value);
    });
    this.goal = null;
    this.tell();
    this.changed();
    this.minimap.redraw();
  }

  /** One look at a running trace; answers whether it still runs. */
  async follow() {
    const columns = await this.fetchColumns(this.state.model.version);
    if (columns === null) return true;
    this.replace(columns);
    const head = byId("trace-head");
    if (!head.querySelector("details[open]") && !head.contains(document.activeElement)) {
      globalThis.htmx.ajax("GET", `${this.base}header/`, { source: head, target: head, swap: "outerHTML" });
    }
    return columns.running;
  }

  async openHidden(node) {
    const { model } = this.state;
    if (this.isOpening) return;
    this.isOpening = true;
    this.opened.push(model.under.get(node));
    byId("wf-count").textContent = "Loading more spans…";
    try {
      this.replace(await this.fetchColumns());
    } catch {
      this.opened.pop();
      byId("wf-count").textContent = "More spans could not be loaded; try again.";
    }
    this.isOpening = false;
  }

  click(event) {
    const row = event.target.closest(".wf-row");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const above = this.view.sticky.nodeAt(row);
    if (above >= 0) {
      this.jumpTo(above);
      return;
    }
    const node = this.state.model.nodeOf(row.dataset.spanId);
    if (event.target.closest(".wf-twisty") && this.state.model.hasChildren(node)) {
      this.fold(node, this.state.model.collapsed[node] === 0);
      return;
    }
    this.open(node);
    this.scroller.focus({ preventScroll: true });
  }

  clickFinding(event) {
    const link = event.target.closest("[data-finding]");
    const node = link ? (this.state.model.findings[link.dataset.finding]?.rows[0] ?? -1) : -1;
    if (node < 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.closest("details").open = false;
    this.jumpTo(node);
    this.tellFindings();
  }

  clickInDrawer(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const tab = event.target.closest("[data-tab]");
    const other = event.target.closest("[data-go-span]");
    const node = other ? this.state.model.nodeOf(other.dataset.goSpan) : -1;
    if (tab) {
      event.preventDefault();
      this.drawer.tab = tab.dataset.tab;
      address.write({ tab: this.drawer.tab });
      this.drawer.open(this.state.model.ids[this.state.selected]);
    } else if (node >= 0) {
      event.preventDefault();
      this.open(node);
    } else if (event.target.closest('[data-action="close-drawer"]')) {
      event.preventDefault();
      this.escape();
    }
  }
}

const root = byId("waterfall");
if (root) {
  const waterfall = new Waterfall(root);
  root.waterfall = waterfall; // for measurements from outside; nothing here reads it
  waterfall.start();
}
