// The waterfall of the trace page: fetches the columns, draws them, and keeps address and drawer in step.
import * as address from "./address.js";
import { bindClicks } from "./clicks.js";
import { Columns } from "./columns.js";
import { Drawer } from "./drawer.js";
import { Found } from "./found.js";
import { Idle } from "./idle.js";
import { bindKeys } from "./keys.js";
import { ROW } from "./layout.js";
import { Live } from "./live.js";
import { Minimap } from "./minimap.js";
import { FLAGS, GROUP, HIDDEN, Model } from "./model.js";
import { Summary } from "./summary.js";
import { TimeWindow } from "./time_window.js";
import { Toggles } from "./toggles.js";
import { View } from "./view.js";

const byId = (id) => document.getElementById(id);

class Waterfall {
  constructor(root) {
    this.root = root;
    this.state = { model: null, window: [0, 1], selected: -1, critical: true, sums: false };
    this.scroller = byId("wf-scroll");
    this.filterField = byId("wf-q");
    this.base = root.dataset.columns.replace(/columns\/$/, "");
    this.drawer = new Drawer(byId("drawer"), this.base);
    this.summary = new Summary(root, this.state);
    this.found = new Found(byId("wf-tip"), this.state);
    this.time = new TimeWindow(byId("wf-axis"), this.state, () => this.changed());
    this.toggles = new Toggles(this);
    this.columns = new Columns(root.dataset.columns, () => this.state.model?.ids[this.state.selected] ?? root.dataset.selected);
  }

  async start() {
    let columns;
    try {
      columns = await this.columns.fetch();
    } catch {
      this.summary.say("The spans could not be loaded; reload the page to try again.");
      return;
    }
    this.receivedAt = performance.now();
    this.state.model = new Model(columns);
    this.state.window = [0, this.state.model.whole];
    this.view = new View(this.scroller, byId("wf-rows"), byId("wf-over"), this.time.axis, this.state);
    this.view.start();
    this.minimap = new Minimap(byId("wf-map"), this.state, (window) => this.time.set(window));
    this.idle = new Idle(byId("wf-gaps"), this.state);
    this.state.model.filter(this.filterField.value);
    this.applyAddress();
    this.view.draw();
    this.drawnAt = performance.now();
    this.root.classList.add("is-live");
    bindClicks(this);
    bindKeys(this);
    this.listen();
    this.summary.tell();
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
      critical: () => this.toggles.critical(),
      groups: () => this.toggles.groups(),
      sums: () => this.toggles.sums(),
      squeeze: () => this.toggles.squeeze(),
      whole: () => this.time.showWhole(),
      link: () => this.offerLink(),
    };
    for (const button of this.root.querySelectorAll("[data-wf]")) {
      button.disabled = false;
      button.addEventListener("click", actions[button.dataset.wf]);
    }
    this.filterField.disabled = false;
    this.filterField.addEventListener("input", () => this.filter(this.filterField.value));
    this.scroller.addEventListener("pointerover", (event) => this.found.hover(event));
    this.scroller.addEventListener("pointerleave", () => this.found.hide());
    this.scroller.addEventListener("scroll", () => this.found.hide(), { passive: true });
    this.scroller.addEventListener("blur", () => this.found.hide());
    this.root.addEventListener("wheel", (event) => this.time.wheel(event), { passive: false });
    addEventListener("popstate", () => this.applyAddress(true));
    new ResizeObserver(() => this.drawTimes()).observe(this.time.axis);
  }

  /** Takes over what the address says: span, window, filter. */
  applyAddress(isMove = false) {
    const wanted = address.read();
    const { model } = this.state;
    if (isMove && this.filterField.value !== wanted.q) {
      this.filterField.value = wanted.q;
      this.filter(wanted.q, false);
    }
    this.time.take(wanted.t);
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
    this.drawTimes();
    this.minimap.brush();
  }

  drawTimes() {
    this.time.drawAxis();
    this.summary.button("whole").disabled = this.time.isWhole;
    this.idle.draw();
  }

  filter(text, write = true) {
    const { state } = this;
    state.model.filter(text);
    if (write) address.write({ q: text.trim() });
    this.summary.count();
    if (state.selected >= 0 && state.model.rowOf(state.selected) >= 0) this.view.scrollTo(state.model.rowOf(state.selected));
    this.view.refresh();
  }

  /** Copies the address with the chosen span, whether or not its drawer is open; page.js does the copying. */
  offerLink() {
    const link = new URL(location.href);
    const { model, selected } = this.state;
    if (selected >= 0 && this.isReceived(selected)) link.searchParams.set("span", model.ids[selected]);
    const window = this.time.inAddress();
    if (window) link.searchParams.set("t", window);
    this.summary.button("link").dataset.copy = link.href;
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
    this.found.tell();
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

  showTab(tab, spanId) {
    this.drawer.tab = tab;
    address.write({ tab });
    this.drawer.open(spanId);
  }

  escape() {
    if (this.found.dismiss()) return;
    if (this.drawer.isOpen) {
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
    this.found.tell();
  }

  jumpTo(node) {
    if (node < 0) return;
    this.choose(node);
    this.scroller.focus({ preventScroll: true });
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
    this.keepingPlace(() => {
      const model = new Model(columns);
      model.adopt(old);
      this.time.keeping(() => {
        this.state.model = model;
        // An earlier span than any before moves the zero of all times.
        return Number(BigInt(old.t0) - BigInt(model.t0)) / 1000;
      });
      this.state.selected = selected ? model.nodeOf(selected) : -1;
      // The chosen "hidden" row was opened whole: its parent takes its place.
      if (this.state.selected < 0 && selected) this.state.selected = model.nodeOf(selected.replace(/^more-/, ""));
      model.filter(this.filterField.value);
    });
    this.summary.tell();
    this.changed();
    this.minimap.redraw();
  }

  /** One look at a running trace; answers whether it still runs. */
  async follow() {
    const columns = await this.columns.fetch(this.state.model.version);
    if (columns === null) return true;
    this.replace(columns);
    const head = byId("trace-head");
    if (!head.querySelector("details[open]") && !head.contains(document.activeElement)) {
      globalThis.htmx.ajax("GET", `${this.base}header/`, { source: head, target: head, swap: "outerHTML" });
    }
    return columns.running;
  }

  async openHidden(node) {
    this.summary.say("Loading more spans…");
    try {
      const columns = await this.columns.opening(this.state.model.under.get(node));
      if (columns) this.replace(columns);
    } catch {
      this.summary.say("More spans could not be loaded; try again.");
    }
  }
}

const root = byId("waterfall");
if (root) {
  const waterfall = new Waterfall(root);
  root.waterfall = waterfall; // for measurements from outside; nothing here reads it
  waterfall.start();
}
