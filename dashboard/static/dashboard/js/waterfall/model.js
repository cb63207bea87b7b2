// The trace in the browser: typed arrays from the columns of dashboard/waterfall.py, and which rows show.
// Pure; no DOM. Nodes are numbers in reading order, a node's descendants follow it without a gap. Groups of
// repeated calls and "+N hidden" rows are nodes too (`kind`).
import { Squeeze } from "./squeeze.js";

export const FLAGS = { orphan: 1, cut: 2, outlives: 4, early: 8, unpriced: 16, unfinished: 32, incomplete: 64, running: 128 };
/** What a row is. */
export const SPAN = 0;
export const GROUP = 1;
export const HIDDEN = 2;

export class Model {
  constructor(columns) {
    const n = columns.n;
    this.n = n;
    this.t0 = columns.t0;
    this.total = columns.total;
    this.version = columns.version;
    this.isRunning = columns.running;
    this.realWhole = Math.max(columns.span, 1);
    this.names = columns.names;
    this.labels = columns.labels;
    this.types = columns.types;
    this.statuses = columns.statuses;
    this.ids = columns.id;
    this.name = Uint32Array.from(columns.name);
    this.label = Uint32Array.from(columns.label);
    this.type = Uint16Array.from(columns.type);
    this.status = Uint16Array.from(columns.status);
    this.parent = Int32Array.from(columns.parent);
    this.depth = Int32Array.from(columns.depth);
    this.realStart = Float64Array.from(columns.start);
    this.realDur = Float64Array.from(columns.dur);
    this.self = Float64Array.from(columns.self);
    this.tokensIn = Float64Array.from(columns.tokens_in);
    this.tokensOut = Float64Array.from(columns.tokens_out);
    this.cost = Float64Array.from(columns.cost, (value) => (value === null ? NaN : value));
    this.flags = Uint8Array.from(columns.flags);
    this.step = Uint32Array.from(columns.step);
    this.run = Uint32Array.from(columns.run);
    this.runs = columns.runs;
    this.kind = new Uint8Array(n);
    for (const node of columns.groups) this.kind[node] = GROUP;
    for (const node of columns.hidden[0]) this.kind[node] = HIDDEN;
    this.groups = columns.groups;
    this.under = new Map(columns.hidden[0].map((node, k) => [node, columns.hidden[1][k]]));
    this.spans = n - columns.groups.length - columns.hidden[0].length;
    this.gaps = columns.gaps;
    this.line = columns.line;
    this.cuts = new Map(columns.cuts[0].map((node, k) => [node, [columns.cuts[1][k], columns.cuts[2][k]]]));
    this.soFar = new Map(columns.so_far[0].map((node, k) => [node, columns.so_far.slice(1).map((list) => list[k])]));
    this.findings = columns.findings;
    this.foundAt = new Map();
    for (const found of columns.findings) {
      for (const node of found.rows) this.foundAt.set(node, [...(this.foundAt.get(node) ?? []), found]);
    }
    this.found = Int32Array.from(this.foundAt.keys()).sort();
    this.grouping = true;
    this.isSqueezed = false;
    this.pieces = columns.critical;
    this.errorStatus = this.statuses.indexOf("error");
    // A group is marked when one of its calls failed; errors to go to, and to count, are the calls.
    this.errors = Int32Array.from(columns.status.keys()).filter((i) => this.isError(i) && this.kind[i] === SPAN);
    this.collapsed = new Uint8Array(n);
    for (const node of columns.groups) this.collapsed[node] = 1;
    this.kept = null;
    this.matches = 0;
    this.visible = new Int32Array(n);
    this.count = 0;
    this.firstRows();
    this.shape();
    this.places();
    this.lay();
    this.show();
  }

  /** Subtree ends, and the groups around each node. */
  shape() {
    const { n, parent } = this;
    this.end = new Int32Array(n);
    for (let i = n - 1; i >= 0; i -= 1) {
      if (this.end[i] === 0) this.end[i] = i + 1;
      const over = parent[i];
      if (over >= 0 && this.end[over] < this.end[i]) this.end[over] = this.end[i];
    }
    // How many groups are around a node: its level is that much less when groups are not shown.
    this.groupsAround = new Uint16Array(n);
    for (let i = 0; i < n; i += 1) {
      const over = parent[i];
      if (over >= 0) this.groupsAround[i] = this.groupsAround[over] + (this.kind[over] === GROUP ? 1 : 0);
    }
  }

  /** Places among siblings, as they are shown. */
  places() {
    const { n } = this;
    this.place = new Int32Array(n);
    this.siblings = new Int32Array(n + 1); // of roots in the last entry
    for (let i = 0; i < n; i += 1) {
      if (this.kind[i] === GROUP && !this.grouping) continue;
      const over = this.parentOf(i);
      this.siblings[over < 0 ? n : over] += 1;
      this.place[i] = this.siblings[over < 0 ? n : over];
    }
  }

  /** Where everything lies in shown time, which is real time unless idle times are shortened. */
  lay() {
    const { n, realStart, realDur } = this;
    this.squeeze = new Squeeze(this.isSqueezed ? this.gaps : [], this.realWhole);
    this.whole = this.squeeze.whole;
    this.start = realStart;
    this.dur = realDur;
    if (this.isSqueezed) {
      this.start = realStart.map((time) => this.squeeze.toShown(time));
      this.dur = realDur.map((time, i) => this.squeeze.toShown(realStart[i] + time) - this.start[i]);
    }
    this.reach = new Float64Array(n);
    for (let i = 0; i < n; i += 1) this.reach[i] = this.start[i] + this.dur[i];
    for (let i = n - 1; i >= 0; i -= 1) {
      const over = this.parent[i];
      if (over >= 0 && this.reach[over] < this.reach[i]) this.reach[over] = this.reach[i];
    }
    const shown = (list) => (this.isSqueezed ? list.map((time) => this.squeeze.toShown(time)) : list);
    this.criticalPieces([this.pieces[0], shown(this.pieces[1]), shown(this.pieces[2])]);
  }

  setSqueezed(wanted) {
    this.isSqueezed = wanted;
    this.lay();
  }

  /** Shows groups of repeated calls as rows, or only what is in them. */
  setGrouping(wanted) {
    this.grouping = wanted;
    this.places();
    this.show();
  }

  /** Takes over from the model before what the reader had folded, by span. */
  adopt(old) {
    const before = new Map(old.ids.map((id, i) => [id, i]));
    this.ids.forEach((id, i) => {
      const known = before.get(id);
      if (known !== undefined) this.collapsed[i] = old.collapsed[known];
    });
    this.grouping = old.grouping;
    this.isSqueezed = old.isSqueezed && this.gaps.length > 0;
    this.places();
    this.lay();
    this.show();
  }

  /** Marks the rows at which a step of a run begins, in reading order. */
  firstRows() {
    this.beginsStep = new Uint8Array(this.n);
    const last = new Map();
    for (let i = 0; i < this.n; i += 1) {
      if (this.step[i] === 0 || last.get(this.run[i]) === this.step[i]) continue;
      last.set(this.run[i], this.step[i]);
      this.beginsStep[i] = 1;
    }
  }

  /** The parent as it is shown. */
  parentOf(node) {
    let over = this.parent[node];
    while (!this.grouping && over >= 0 && this.kind[over] === GROUP) over = this.parent[over];
    return over;
  }

  levelOf(node) {
    return this.depth[node] - (this.grouping ? 0 : this.groupsAround[node]);
  }

  /** The critical path by node: pieces `from[node] .. from[node + 1]` of `pieceStart` and `pieceEnd`. */
  criticalPieces([nodes, starts, ends]) {
    const from = new Int32Array(this.n + 1);
    for (const node of nodes) from[node + 1] += 1;
    for (let i = 0; i < this.n; i += 1) from[i + 1] += from[i];
    const at = from.slice();
    this.pieceStart = new Float64Array(nodes.length);
    this.pieceEnd = new Float64Array(nodes.length);
    nodes.forEach((node, k) => {
      this.pieceStart[at[node]] = starts[k];
      this.pieceEnd[at[node]] = ends[k];
      at[node] += 1;
    });
    this.pieceFrom = from;
  }

  hasChildren(node) {
    return this.end[node] > node + 1;
  }

  setSize(node) {
    const over = this.parentOf(node);
    return this.siblings[over < 0 ? this.n : over];
  }

  isError(node) {
    return this.status[node] === this.errorStatus;
  }

  /** Works out which rows show: one pass; a filter wins over what is folded. */
  show() {
    const { n, visible, collapsed, kept, end, kind, grouping } = this;
    let count = 0;
    for (let i = 0; i < n; ) {
      if (kept !== null && kept[i] === 0) {
        i = end[i];
        continue;
      }
      if (!grouping && kind[i] === GROUP) {
        i += 1;
        continue;
      }
      visible[count] = i;
      count += 1;
      i = kept === null && collapsed[i] === 1 ? end[i] : i + 1;
    }
    this.count = count;
  }

  /** The row that shows a node, or -1. */
  rowOf(node) {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.visible[middle] === node) return middle;
      if (this.visible[middle] < node) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  nodeOf(spanId) {
    return this.ids.indexOf(spanId);
  }

  setCollapsed(node, wanted) {
    this.collapsed[node] = wanted ? 1 : 0;
    this.show();
  }

  /** Opens the ancestors of a node, so that it has a row. */
  reveal(node) {
    let changed = false;
    for (let over = this.parent[node]; over >= 0; over = this.parent[over]) {
      if (this.collapsed[over]) {
        this.collapsed[over] = 0;
        changed = true;
      }
    }
    if (changed) this.show();
  }

  /** Folds the deepest level that shows. */
  foldLevel() {
    let deepest = 0;
    for (let row = 0; row < this.count; row += 1) deepest = Math.max(deepest, this.depth[this.visible[row]]);
    if (deepest === 0) return;
    for (let i = 0; i < this.n; i += 1) {
      if (this.depth[i] >= deepest - 1 && this.hasChildren(i)) this.collapsed[i] = 1;
    }
    this.show();
  }

  foldAll(wanted) {
    for (let i = 0; i < this.n; i += 1) this.collapsed[i] = wanted && this.hasChildren(i) ? 1 : 0;
    this.show();
  }

  /** Unfolds the highest level that is folded. */
  unfoldLevel() {
    let highest = Infinity;
    for (let row = 0; row < this.count; row += 1) {
      const node = this.visible[row];
      if (this.collapsed[node]) highest = Math.min(highest, this.depth[node]);
    }
    for (let i = 0; i < this.n; i += 1) if (this.depth[i] === highest) this.collapsed[i] = 0;
    this.show();
  }

  /** Keeps the rows that match and their ancestors (2). Words must all be found; `type:`, `status:` narrow. */
  filter(question) {
    const words = question.toLowerCase().split(/\s+/).filter(Boolean);
    this.matches = 0;
    if (words.length === 0) {
      this.kept = null;
    } else {
      const tests = words.map((word) => this.test(word));
      this.kept = new Uint8Array(this.n);
      for (let i = 0; i < this.n; i += 1) {
        if (this.kind[i] !== SPAN || !tests.every((test) => test(i))) continue;
        this.kept[i] = 1;
        this.matches += 1;
        for (let over = this.parent[i]; over >= 0 && this.kept[over] === 0; over = this.parent[over]) {
          this.kept[over] = 2;
        }
      }
    }
    this.show();
  }

  /** What one word of a filter asks of a node. Dictionaries are searched once, not per span. */
  test(word) {
    const found = (strings, text) => strings.map((string) => string.toLowerCase().includes(text));
    const [, key, value] = /^(type|status):(.+)$/.exec(word) ?? [];
    if (key === "type") {
      const types = found(this.types, value);
      return (i) => types[this.type[i]];
    }
    if (key === "status") {
      const statuses = found(this.statuses, value);
      return (i) => statuses[this.status[i]];
    }
    const [names, labels, types] = [this.names, this.labels, this.types].map((strings) => found(strings, word));
    const statuses = this.statuses.map((status) => status === word);
    return (i) =>
      names[this.name[i]] || labels[this.label[i]] || types[this.type[i]] || statuses[this.status[i]] || this.ids[i] === word;
  }

  /** The next (1) or previous (-1) error from a node, around the ends; -1 when there is none. */
  nextError(node, direction) {
    return around(this.errors, node, direction);
  }

  nextFinding(node, direction) {
    return around(this.found, node, direction);
  }
}

/** The next (1) or previous (-1) of an ascending list from a node, around the ends; -1 of none. */
function around(list, node, direction) {
  if (list.length === 0) return -1;
  if (direction > 0) return list.find((one) => one > node) ?? list[0];
  for (let k = list.length - 1; k >= 0; k -= 1) if (list[k] < node) return list[k];
  return list[list.length - 1];
}
