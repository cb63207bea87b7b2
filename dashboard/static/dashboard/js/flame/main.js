// The flame view (icicle by time) of the trace page: the same columns as the waterfall's, drawn to a canvas.
import { cost, duration, tokens } from "../format.js";
import { Selection } from "../trace/selection.js";
import * as address from "../waterfall/address.js";
import { drawAxis } from "../waterfall/axis.js";
import { isWhole, pan, readWindow, within, writeWindow, zoom } from "../waterfall/layout.js";
import { Model } from "../waterfall/model.js";
import { Chart } from "./chart.js";
import { Rows, neighbour } from "./rows.js";

const byId = (id) => document.getElementById(id);

class Flame {
  constructor(root) {
    this.root = root;
    this.state = { model: null, rows: null, window: [0, 1], selected: -1, hovered: -1, matches: null };
    this.scroller = byId("fl-scroll");
    this.field = byId("fl-q");
    this.axis = byId("fl-axis");
    this.tip = byId("fl-tip");
  }

  async start() {
    const answer = await fetch(this.root.dataset.columns);
    if (!answer.ok) {
      byId("fl-count").textContent = "The spans could not be loaded; reload the page to try again.";
      return;
    }
    const { state } = this;
    state.model = new Model(await answer.json());
    state.rows = new Rows(state.model);
    this.selection = new Selection(this.root.dataset.traceBase, (span) => this.chosen(span));
    this.chart = new Chart(this.scroller, byId("fl-canvas"), byId("fl-spacer"), state);
    this.filter(this.field.value, false);
    this.applyAddress();
    if (this.selection.span && state.selected >= 0) this.selection.drawer.open(this.selection.span);
    this.listen();
    this.root.classList.add("is-live");
  }

  applyAddress() {
    const { span, t } = address.read();
    this.state.window = readWindow(t, this.state.model.whole) ?? [0, this.state.model.whole];
    this.chosen(span);
    this.changed();
  }

  listen() {
    const { scroller } = this;
    this.field.disabled = false;
    this.field.addEventListener("input", () => this.filter(this.field.value));
    for (const button of this.root.querySelectorAll("[data-fl]")) {
      button.disabled = false;
      button.addEventListener("click", () => this[button.dataset.fl]());
    }
    scroller.addEventListener("pointermove", (event) => this.hover(event));
    scroller.addEventListener("pointerleave", () => this.hover(null));
    scroller.addEventListener("click", (event) => {
      const node = this.chart.nodeAt(event);
      if (node >= 0) this.selection.open(this.state.model.ids[node], scroller);
    });
    scroller.addEventListener("dblclick", () => this.zoomToSpan());
    scroller.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    scroller.addEventListener("keydown", (event) => this.gridKey(event));
    document.addEventListener("keydown", (event) => this.pageKey(event));
    addEventListener("popstate", () => {
      const { q } = address.read();
      if (q !== this.field.value.trim()) {
        this.field.value = q;
        this.filter(q, false);
      }
      this.applyAddress();
    });
    new ResizeObserver(() => this.drawAxis()).observe(this.axis);
  }

  gridKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { model, selected } = this.state;
    if (event.key.startsWith("Arrow")) this.choose(neighbour(model, selected, event.key));
    else if (event.key === "Home") this.choose(0);
    else if ((event.key === "Enter" || event.key === " ") && selected >= 0) this.selection.open(model.ids[selected], this.scroller);
    else return;
    event.preventDefault();
  }

  pageKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.("input, textarea, select, dialog") || document.querySelector("dialog[open]")) return;
    const keys = {
      w: () => this.zoomBy(0.6), s: () => this.zoomBy(1 / 0.6), a: () => this.panBy(-0.2), d: () => this.panBy(0.2),
      0: () => this.showWhole(), z: () => this.zoomToSpan(), e: () => this.nextError(), E: () => this.previousError(),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  }

  choose(node) {
    if (node < 0) return;
    this.selection.follow(this.state.model.ids[node]);
  }

  /** Takes over which span is chosen, wherever that was decided, and brings it into view. */
  chosen(span) {
    const { state } = this;
    state.selected = span ? state.model.nodeOf(span) : -1;
    if (this.chart && state.selected >= 0) {
      const [from, to] = state.window;
      const start = state.model.start[state.selected];
      const end = start + state.model.dur[state.selected];
      if (end < from || start > to) this.setWindow(within(start - (to - from) * 0.2, to - from, state.model.whole));
      this.chart.scrollTo(state.selected);
    }
    byId("fl-chosen").textContent = state.selected >= 0 ? this.words(state.selected) : "";
    this.chart?.ask();
  }

  words(node) {
    const { model } = this.state;
    const parts = [
      `${model.names[model.name[node]] || "(no name)"} ${model.labels[model.label[node]]}`.trim(),
      model.types[model.type[node]],
      duration(model.dur[node] * 1000),
      `starts ${duration(model.start[node] * 1000)}`,
    ];
    if (model.tokensIn[node] || model.tokensOut[node]) parts.push(`${tokens(model.tokensIn[node])} in, ${tokens(model.tokensOut[node])} out`);
    if (!Number.isNaN(model.cost[node])) parts.push(cost(model.cost[node]));
    if (model.isError(node)) parts.push("error");
    return parts.join(" · ");
  }

  hover(event) {
    const node = event ? this.chart.nodeAt(event) : -1;
    if (node !== this.state.hovered) {
      this.state.hovered = node;
      this.tip.textContent = node >= 0 ? this.words(node) : "";
      this.tip.hidden = node < 0;
      this.scroller.classList.toggle("is-over", node >= 0);
      this.chart.ask();
    }
    if (node < 0) return;
    const box = this.root.getBoundingClientRect();
    const x = Math.min(event.clientX - box.left + 12, box.width - this.tip.offsetWidth - 4);
    const y = event.clientY - box.top + 18;
    const above = y + this.tip.offsetHeight > box.height ? y - this.tip.offsetHeight - 28 : y;
    this.tip.style.transform = `translate(${Math.max(x, 0)}px, ${above}px)`;
  }

  filter(text, write = true) {
    const { model, rows } = this.state;
    model.filter(text);
    this.state.matches = model.kept === null ? null : rows.sums((i) => model.kept[i] === 1);
    if (write) address.write({ q: text.trim() });
    const all = model.n.toLocaleString("en");
    byId("fl-count").textContent = model.kept === null ? `${all} spans` : `${model.matches.toLocaleString("en")} of ${all}`;
    this.chart?.ask();
  }

  changed() {
    this.chart.ask();
    this.drawAxis();
  }

  drawAxis() {
    drawAxis(this.axis, this.state.window);
    this.root.querySelector('[data-fl="showWhole"]').disabled = isWhole(this.state.window, this.state.model.whole);
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

  /** The chosen span, with a little around it. */
  zoomToSpan() {
    const { model, selected } = this.state;
    if (selected < 0) return;
    const length = Math.min(Math.max(model.dur[selected] * 1.1, 5), model.whole);
    this.setWindow(within(model.start[selected] - model.dur[selected] * 0.05, length, model.whole));
  }

  nextError() {
    this.choose(this.state.model.nextError(this.state.selected, 1));
  }

  previousError() {
    this.choose(this.state.model.nextError(this.state.selected, -1));
  }

  wheel(event) {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    if (event.ctrlKey) {
      this.zoomBy(Math.exp(Math.max(Math.min(event.deltaY, 100), -100) * 0.004), this.chart.timeAt(event.clientX));
    } else this.panBy(event.deltaX / this.chart.width);
  }
}

const root = byId("flame");
if (root) {
  const flame = new Flame(root);
  root.flame = flame; // for measurements from outside; nothing here reads it
  flame.start();
}
