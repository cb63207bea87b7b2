// The trace in the browser: typed arrays from the columns of dashboard/waterfall.py, and which rows show.
// Pure; no DOM. Nodes are numbers in reading order, a node's descendants follow it without a gap.

export const FLAGS = { orphan: 1, cut: 2, outlives: 4, early: 8, unpriced: 16, unfinished: 32, incomplete: 64 };

export class Model {
  constructor(columns) {
    const n = columns.n;
    this.n = n;
    this.t0 = columns.t0;
    this.whole = Math.max(columns.span, 1);
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
    this.start = Float64Array.from(columns.start);
    this.dur = Float64Array.from(columns.dur);
    this.self = Float64Array.from(columns.self);
    this.tokensIn = Float64Array.from(columns.tokens_in);
    this.tokensOut = Float64Array.from(columns.tokens_out);
    this.cost = Float64Array.from(columns.cost, (value) => (value === null ? NaN : value));
    this.flags = Uint8Array.from(columns.flags);
    this.errorStatus = this.statuses.indexOf("error");
    this.errors = Int32Array.from(columns.status.keys()).filter((i) => this.status[i] === this.errorStatus);
    this.collapsed = new Uint8Array(n);
    this.kept = null;
    this.matches = 0;
    this.visible = new Int32Array(n);
    this.count = 0;
    this.shape();
    this.criticalPieces(columns.critical);
    this.show();
  }

  /** Subtree ends, how far each subtree reaches in time, and places among siblings. */
  shape() {
    const { n, parent } = this;
    this.end = new Int32Array(n);
    this.reach = new Float64Array(n);
    this.place = new Int32Array(n);
    const siblings = new Int32Array(n + 1); // of roots in the last entry
    for (let i = 0; i < n; i += 1) {
      this.end[i] = i + 1;
      this.reach[i] = this.start[i] + this.dur[i];
      const over = parent[i] < 0 ? n : parent[i];
      siblings[over] += 1;
      this.place[i] = siblings[over];
    }
    this.siblings = siblings;
    for (let i = n - 1; i >= 0; i -= 1) {
      const over = parent[i];
      if (over < 0) continue;
      if (this.end[over] < this.end[i]) this.end[over] = this.end[i];
      if (this.reach[over] < this.reach[i]) this.reach[over] = this.reach[i];
    }
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
    return this.siblings[this.parent[node] < 0 ? this.n : this.parent[node]];
  }

  isError(node) {
    return this.status[node] === this.errorStatus;
  }

  /** Works out which rows show: one pass; a filter wins over what is folded. */
  show() {
    const { n, visible, collapsed, kept, end } = this;
    let count = 0;
    for (let i = 0; i < n; ) {
      if (kept !== null && kept[i] === 0) {
        i = end[i];
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
        if (!tests.every((test) => test(i))) continue;
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
    const { errors } = this;
    if (errors.length === 0) return -1;
    if (direction > 0) return errors.find((error) => error > node) ?? errors[0];
    for (let k = errors.length - 1; k >= 0; k -= 1) if (errors[k] < node) return errors[k];
    return errors[errors.length - 1];
  }
}
