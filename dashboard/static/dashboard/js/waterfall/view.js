// Draws rows: a pool of recycled elements, moved by transform only. A row keeps its element while it
// stays near, so scrolling by one row rewrites one row.
import { cost, duration, exact, tokens } from "../format.js";
import { MOST_ABOVE, ROW, bar, gradient, pieces, rowsNear } from "./layout.js";
import { FLAGS, GROUP, HIDDEN, SPAN } from "./model.js";
import { Sticky } from "./sticky.js";
import { oddities, stepWords } from "./words.js";

const POOL = 64;
const KNOWN = ["agent", "llm", "tool", "retrieval", "embedding", "rerank", "guardrail", "evaluator", "workflow", "other"];

function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  parent?.append(made);
  return made;
}

function cell(row, className) {
  const made = element("div", className, row);
  made.setAttribute("role", "gridcell");
  return made;
}

/** One row's elements, made once. */
function makeRow(parent) {
  const row = element("div", "wf-row", parent);
  row.setAttribute("role", "row");
  row.hidden = true;
  const name = cell(row, "wf-name");
  const step = element("span", "wf-step", name);
  const twisty = element("span", "wf-twisty", name);
  const error = element("span", "wf-error", name);
  error.textContent = "error ";
  const found = element("span", "wf-found", name);
  found.setAttribute("role", "img");
  const odd = element("span", "wf-odd", name);
  odd.setAttribute("role", "img");
  const link = element("a", "", name);
  link.tabIndex = -1;
  name.append(" ");
  const label = element("span", "wf-label", name);
  name.append(" ");
  const cut = element("span", "wf-cut", name);
  cut.textContent = "context cut";
  const type = cell(row, "wf-type");
  const used = cell(row, "n wf-c-tokens");
  const price = cell(row, "n wf-c-cost");
  const self = cell(row, "n wf-c-self");
  const length = cell(row, "n wf-c-dur");
  const line = cell(row, "wf-time");
  const after = element("span", "wf-after", line);
  const box = element("span", "wf-bar", line);
  const path = element("span", "wf-path", line);
  return { row, name, step, twisty, link, label, cut, error, found, odd, type, used, price, self, length, line, after, box, path, node: -1, drawn: -1, top: -1 };
}

export class View {
  /** `state` holds `model`, `window`, `selected`, `critical` and `sums`; the view only reads it. */
  constructor(scroller, holder, over, axis, state) {
    Object.assign(this, { scroller, holder, over, axis, state });
    this.pool = [];
    this.version = 0; // of everything but the scroll position: a row drawn at it need not be drawn again
    this.contents = 0; // of what a row says: one filled at it need not be filled again
    this.width = 0;
    this.slowest = 0;
  }

  start() {
    const fragment = document.createDocumentFragment();
    for (let k = 0; k < POOL; k += 1) this.pool.push(makeRow(fragment));
    this.holder.replaceChildren(fragment);
    this.holder.classList.add("is-pooled");
    this.sticky = new Sticky(this.over, this.state, makeRow, (slot, node, place) => this.drawRow(slot, node, place));
    this.refresh();
    this.scroller.addEventListener("scroll", () => this.ask(), { passive: true });
    new ResizeObserver(() => this.refresh()).observe(this.scroller);
  }

  /** Something other than the scroll position changed. */
  refresh() {
    this.version += 1;
    this.ask();
  }

  /** What rows say changed: another model, other columns. */
  refill() {
    this.contents += 1;
    this.refresh();
  }

  ask() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.draw();
    });
  }

  draw() {
    const began = performance.now();
    const { model } = this.state;
    if (this.measured !== this.version) {
      this.measured = this.version;
      this.holder.style.height = `${model.count * ROW}px`;
      this.height = this.scroller.clientHeight;
      this.width = Math.max(this.axis.clientWidth, 50); // as wide as every line, of which any may be hidden
      this.scroller.setAttribute("aria-rowcount", String(model.count));
    }
    const { scrollTop } = this.scroller;
    let [first, last] = rowsNear(scrollTop, this.height, model.count);
    if (last - first > POOL) last = first + POOL;
    const free = new Set(this.pool.keys());
    for (let row = first; row < last; row += 1) {
      const slot = this.pool[row % POOL];
      free.delete(row % POOL);
      const node = model.visible[row];
      if (slot.node === node && slot.drawn === this.version && slot.top === row) continue;
      this.drawRow(slot, node, row);
    }
    for (const k of free) {
      const slot = this.pool[k];
      if (slot.node !== -1) {
        slot.row.hidden = true;
        slot.node = -1;
        slot.row.removeAttribute("id");
      }
    }
    this.sticky.draw(scrollTop, this.version);
    this.markActive();
    this.slowest = Math.max(this.slowest, performance.now() - began);
    this.onDraw?.();
  }

  drawRow(slot, node, row) {
    const { model, window, selected, critical } = this.state;
    if (slot.node === -1) slot.row.hidden = false;
    if (slot.top !== row) slot.row.style.transform = `translateY(${row * ROW}px)`;
    if (slot.node !== node || slot.contents !== this.contents) this.fill(slot, node);
    slot.row.setAttribute("aria-rowindex", String(row + 1));
    const isError = model.isError(node);
    const type = KNOWN.includes(model.types[model.type[node]]) ? model.types[model.type[node]] : "other";
    const faint = model.kept !== null && model.kept[node] === 2 && model.kind[node] === SPAN;
    const kind = model.kind[node] === GROUP ? " is-group" : model.kind[node] === HIDDEN ? " is-hidden" : "";
    const more = `${kind}${model.flags[node] & FLAGS.running ? " is-running" : ""}${model.step[node] % 2 ? " is-band" : ""}`;
    slot.row.className = `wf-row t-${type}${isError ? " is-error" : ""}${node === selected ? " is-chosen" : ""}${faint ? " is-faint" : ""}${more}`;
    slot.row.setAttribute("aria-selected", node === selected ? "true" : "false");
    if (model.hasChildren(node)) {
      const open = model.kept !== null || model.collapsed[node] === 0;
      slot.row.setAttribute("aria-expanded", String(open));
      slot.twisty.className = open ? "wf-twisty" : "wf-twisty is-folded";
    } else {
      slot.row.removeAttribute("aria-expanded");
      slot.twisty.className = "wf-twisty is-leaf";
    }
    this.place(slot.box, model.kind[node] === HIDDEN ? null : bar(model.start[node], model.dur[node], window, this.width));
    const end = model.start[node] + model.dur[node];
    const later = model.reach[node] - end;
    this.place(slot.after, later > 0 ? bar(end, later, window, this.width) : null);
    const list = critical ? pieces(model, node, window, this.width) : [];
    slot.path.style.backgroundImage = gradient(list, "var(--critical)");
    Object.assign(slot, { node, drawn: this.version, top: row, contents: this.contents });
  }

  place(box, place) {
    if (place === null) box.style.visibility = "hidden";
    else {
      box.style.visibility = "";
      box.style.transform = `translateX(${place[0]}px) scaleX(${place[1]})`;
    }
  }

  /** Everything of a row that depends on its span only. Text only ever as text. */
  fill(slot, node) {
    const { model } = this.state;
    const { row } = slot;
    row.id = `wf-row-${node}`;
    row.dataset.spanId = model.ids[node];
    const kind = model.kind[node];
    row.setAttribute("aria-level", String(model.levelOf(node) + 1));
    row.setAttribute("aria-posinset", String(model.place[node]));
    row.setAttribute("aria-setsize", String(model.setSize(node)));
    slot.name.style.setProperty("--level", String(Math.min(model.levelOf(node), 24)));
    slot.link.textContent = model.names[model.name[node]] || "(no name)";
    slot.link.href = kind === SPAN ? `?span=${model.ids[node]}` : "?view=table";
    slot.step.textContent = model.beginsStep[node] ? String(model.step[node]) : "";
    slot.step.title = model.beginsStep[node] ? stepWords(model.step[node], model.runs[model.run[node]]) : "";
    const cut = model.cuts.get(node);
    slot.cut.hidden = cut === undefined;
    slot.cut.title = cut ? `${exact(cut[1])} tokens in, after ${exact(cut[0])} in the call before` : "";
    const said = (model.foundAt.get(node) ?? []).map((found) => `${found.title}: ${found.explanation}`).join("\n");
    slot.found.hidden = said === "";
    slot.found.setAttribute("aria-label", said);
    slot.label.textContent = model.labels[model.label[node]];
    slot.label.title = kind === GROUP ? slot.label.textContent : "";
    slot.error.hidden = !model.isError(node);
    const odd = oddities(model.flags[node]);
    slot.odd.hidden = odd === "";
    slot.odd.title = odd;
    slot.odd.setAttribute("aria-label", odd);
    slot.type.textContent = kind === SPAN ? model.types[model.type[node]] || "other" : "";
    const sums = this.state.sums ? (model.soFar.get(node) ?? [NaN, 0, 0]) : null;
    const [input, output] = sums ? sums.slice(1) : [model.tokensIn[node], model.tokensOut[node]];
    slot.used.textContent = input || output ? `${tokens(input)} / ${tokens(output)}` : "";
    slot.used.title = input || output ? `${exact(input)} in, ${exact(output)} out` : "";
    const price = sums ? sums[0] : model.cost[node];
    const unknown = !sums && (model.flags[node] & FLAGS.unpriced || (kind === GROUP && (input || output)));
    slot.price.textContent = Number.isNaN(price) ? (unknown ? "unknown" : "") : cost(price);
    slot.self.textContent = kind === SPAN && model.hasChildren(node) ? duration(model.self[node] * 1000) : "";
    slot.length.textContent = kind === HIDDEN ? "" : duration(model.realDur[node] * 1000);
    if (model.flags[node] & FLAGS.running) slot.length.textContent = "running";
    slot.line.setAttribute("aria-label", `starts ${duration(model.realStart[node] * 1000)}`);
  }

  /** The one tab stop points at the chosen row, while that row exists. */
  markActive() {
    const id = `wf-row-${this.state.selected}`;
    if (this.state.selected >= 0 && document.getElementById(id)) this.scroller.setAttribute("aria-activedescendant", id);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  /** Scrolls so that a row shows, with some of its neighbours. */
  scrollTo(row, centred = false) {
    const top = row * ROW;
    const height = this.scroller.clientHeight;
    const now = this.scroller.scrollTop;
    // Its ancestors lie over the rows at the top.
    const above = ROW * (1 + Math.min(this.state.model.levelOf(this.state.model.visible[row]), MOST_ABOVE));
    if (centred && (top < now || top > now + height - ROW)) this.scroller.scrollTop = top - height / 2;
    else if (top < now + above) this.scroller.scrollTop = Math.max(top - above, 0);
    else if (top > now + height - 2 * ROW) this.scroller.scrollTop = top - height + 2 * ROW;
  }
}
