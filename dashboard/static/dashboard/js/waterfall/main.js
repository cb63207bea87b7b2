// The waterfall of the trace page: fetches the columns, draws them, and keeps address and drawer in step.
import * as address from "./address.js";
import { Drawer } from "./drawer.js";
import { bind } from "./keys.js";
import { isWhole, pan, readWindow, ticks, writeWindow, zoom } from "./layout.js";
import { Minimap } from "./minimap.js";
import { Model } from "./model.js";
import { View } from "./view.js";

const byId = (id) => document.getElementById(id);

class Waterfall {
  constructor(root) {
    this.root = root;
    this.state = { model: null, window: [0, 1], selected: -1, critical: true };
    this.scroller = byId("wf-scroll");
    this.filterField = byId("wf-q");
    this.axis = byId("wf-axis");
    this.drawer = new Drawer(byId("drawer"), root.dataset.columns.replace(/columns\/$/, ""));
  }

  async start() {
    const answer = await fetch(this.root.dataset.columns);
    if (!answer.ok) {
      byId("wf-count").textContent = "The spans could not be loaded; reload the page to try again.";
      return;
    }
    const columns = await answer.json();
    this.receivedAt = performance.now();
    this.state.model = new Model(columns);
    this.state.window = [0, this.state.model.whole];
    this.view = new View(this.scroller, byId("wf-rows"), this.state);
    this.view.start();
    this.minimap = new Minimap(byId("wf-map"), this.state, (window) => this.setWindow(window));
    this.state.model.filter(this.filterField.value);
    this.applyAddress();
    this.view.draw();
    this.drawnAt = performance.now();
    this.root.classList.add("is-live");
    bind(this, this.scroller);
    this.listen();
    this.count();
    requestAnimationFrame(() => this.minimap.redraw());
  }

  listen() {
    const actions = {
      "prev-error": () => this.jumpToError(-1),
      "next-error": () => this.jumpToError(1),
      less: () => this.foldLevel(),
      more: () => this.unfoldLevel(),
      critical: () => this.toggleCritical(),
      whole: () => this.showWhole(),
    };
    for (const button of this.root.querySelectorAll("[data-wf]")) {
      button.disabled = false;
      button.addEventListener("click", actions[button.dataset.wf]);
    }
    const errors = this.state.model.errors.length;
    byId("wf-errors").textContent = errors === 1 ? "1 error" : `${errors} errors`;
    for (const button of this.root.querySelectorAll('[data-wf$="error"]')) button.disabled = errors === 0;
    this.filterField.disabled = false;
    this.filterField.addEventListener("input", () => this.filter(this.filterField.value));
    this.scroller.addEventListener("click", (event) => this.click(event));
    this.root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    addEventListener("popstate", () => this.applyAddress(true));
    this.drawer.element.addEventListener("click", (event) => this.clickInDrawer(event));
    new ResizeObserver(() => this.drawAxis()).observe(this.axis);
  }

  /** Takes over what the address says: span, window, filter. */
  applyAddress(isMove = false) {
    const wanted = address.read();
    const { model } = this.state;
    if (isMove && this.filterField.value !== wanted.q) {
      this.filterField.value = wanted.q;
      this.filter(wanted.q, false);
    }
    this.state.window = readWindow(wanted.t, model.whole) ?? [0, model.whole];
    const node = wanted.span ? model.nodeOf(wanted.span) : -1;
    this.drawer.tab = wanted.tab;
    if (node >= 0) {
      this.select(node, true);
      this.drawer.open(wanted.span, wanted.tab);
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
    if (!width || !this.state.model) return;
    const marks = ticks(this.state.window, width).map(([, x, words]) => {
      const mark = document.createElement("span");
      mark.style.transform = `translateX(${x}px)`;
      mark.textContent = words;
      if (x > width - 44) mark.className = "is-last";
      return mark;
    });
    this.axis.replaceChildren(...marks);
    const whole = this.root.querySelector('[data-wf="whole"]');
    whole.disabled = isWhole(this.state.window, this.state.model.whole);
  }

  setWindow(window) {
    this.state.window = window;
    this.changed();
    clearTimeout(this.writing);
    this.writing = setTimeout(() => address.write({ t: writeWindow(this.state.window, this.state.model.whole) }), 250);
  }

  zoomBy(factor, at = (this.state.window[0] + this.state.window[1]) / 2) {
    this.setWindow(zoom(this.state.window, factor, at, this.state.model.whole));
  }

  panBy(share) {
    const [from, to] = this.state.window;
    this.setWindow(pan(this.state.window, (to - from) * share, this.state.model.whole));
  }

  showWhole() {
    this.setWindow([0, this.state.model.whole]);
  }

  wheel(event) {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    const box = this.axis.getBoundingClientRect();
    const [from, to] = this.state.window;
    if (!event.ctrlKey) this.panBy(event.deltaX / Math.max(box.width, 1));
    else {
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      this.zoomBy(Math.exp(Math.max(Math.min(event.deltaY, 100), -100) * 0.004), from + share * (to - from));
    }
  }

  toggleCritical() {
    this.state.critical = !this.state.critical;
    this.root.querySelector('[data-wf="critical"]').setAttribute("aria-pressed", String(this.state.critical));
    this.view.refresh();
  }

  filter(text, write = true) {
    const { state } = this;
    state.model.filter(text);
    if (write) address.write({ q: text.trim() });
    this.count();
    if (state.selected >= 0 && state.model.rowOf(state.selected) >= 0) this.view.scrollTo(state.model.rowOf(state.selected));
    this.view.refresh();
  }

  count() {
    const { model } = this.state;
    const all = model.n.toLocaleString("en");
    byId("wf-count").textContent = model.kept === null ? `${all} spans` : `${model.matches.toLocaleString("en")} of ${all}`;
  }

  /** Chooses a node; an open drawer follows, a moment later so that held keys do not flood the server. */
  choose(node) {
    this.select(node);
    if (!this.drawer.isOpen) return;
    clearTimeout(this.following);
    this.following = setTimeout(() => {
      const spanId = this.state.model.ids[this.state.selected];
      address.write({ span: spanId });
      this.drawer.open(spanId);
    }, 120);
  }

  chooseRow(row) {
    const { model } = this.state;
    if (model.count) this.choose(model.visible[Math.min(Math.max(row, 0), model.count - 1)]);
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
    const spanId = this.state.model.ids[node];
    address.write({ span: spanId }, true);
    this.drawer.open(spanId);
    if (node !== this.state.selected) this.select(node);
  }

  escape() {
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

  foldLevel() {
    this.state.model.foldLevel();
    this.view.refresh();
  }

  unfoldLevel() {
    this.state.model.unfoldLevel();
    this.view.refresh();
  }

  jumpToError(direction) {
    const node = this.state.model.nextError(this.state.selected, direction);
    if (node < 0) return;
    this.choose(node);
    this.scroller.focus({ preventScroll: true });
  }

  click(event) {
    const row = event.target.closest(".wf-row");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const node = this.state.model.nodeOf(row.dataset.spanId);
    if (event.target.closest(".wf-twisty") && this.state.model.hasChildren(node)) {
      this.fold(node, this.state.model.collapsed[node] === 0);
      return;
    }
    this.open(node);
    this.scroller.focus({ preventScroll: true });
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
