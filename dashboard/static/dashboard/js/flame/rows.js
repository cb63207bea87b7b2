// Where the bars of the flame chart lie: rows without overlap, and what of a row shows. Pure; no DOM.

/** Rows that are tried for a span beside its siblings; beyond, bars may cover each other. */
const MOST_LANES = 256;

/**
 * A row for each node, below its parent's: children that run at the same time go below each other, each
 * with its whole subtree. Within a row nodes come by start.
 */
export class Rows {
  constructor(model) {
    const { n, parent, start, dur } = model;
    this.model = model;
    this.row = new Int32Array(n);
    const busy = []; // of each row, until when it is taken
    for (let i = 0; i < n; i += 1) {
      const first = parent[i] < 0 ? 0 : this.row[parent[i]] + 1;
      let row = first;
      while (row - first < MOST_LANES && busy[row] > start[i]) row += 1;
      this.row[i] = row;
      busy[row] = Math.max(busy[row] ?? 0, start[i] + dur[i]);
    }
    this.count = busy.length;
    this.from = new Int32Array(this.count + 1);
    for (let i = 0; i < n; i += 1) this.from[this.row[i] + 1] += 1;
    for (let r = 0; r < this.count; r += 1) this.from[r + 1] += this.from[r];
    const at = this.from.slice();
    this.order = new Int32Array(n);
    for (let i = 0; i < n; i += 1) this.order[at[this.row[i]]++] = i;
    for (let r = 0; r < this.count; r += 1) {
      const part = this.order.subarray(this.from[r], this.from[r + 1]);
      if (!sorted(part, start)) part.sort((a, b) => start[a] - start[b] || a - b);
    }
    this.errors = this.sums((i) => model.isError(i));
  }

  /** Running counts over `order` of the nodes that a test holds for, so that any range is asked in one step. */
  sums(test) {
    const counts = new Int32Array(this.order.length + 1);
    for (let k = 0; k < this.order.length; k += 1) counts[k + 1] = counts[k] + (test(this.order[k]) ? 1 : 0);
    return counts;
  }

  /** The first place in a row whose node starts at or after a time. */
  search(row, time) {
    const { start } = this.model;
    let low = this.from[row];
    let high = this.from[row + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (start[this.order[middle]] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * What of a row is drawn: calls `draw(place, until, x, width)` with places in `order`. Bars narrower than a
   * pixel that fall into the same one are one call, found by search and not one by one, so that a row of
   * 100,000 costs no more than it has pixels.
   */
  each(row, [from, to], width, draw) {
    const { start, dur } = this.model;
    const scale = width / (to - from);
    let k = Math.max(this.search(row, from) - 1, this.from[row]); // the one before may reach into the window
    const last = this.from[row + 1];
    while (k < last) {
      const i = this.order[k];
      if (start[i] > to) return;
      const left = (start[i] - from) * scale;
      const right = (start[i] + dur[i] - from) * scale;
      if (right - left >= 1) {
        const x = Math.max(left, 0);
        if (right > 0) draw(k, k + 1, x, Math.max(Math.min(right, width) - x, 1));
        k += 1;
      } else {
        const pixel = Math.floor(left);
        let until = Math.max(this.search(row, from + (pixel + 1) / scale), k + 1);
        // A long bar that begins in this pixel is drawn by itself.
        if (until > k + 1 && dur[this.order[until - 1]] * scale >= 1) until -= 1;
        if (pixel >= 0) draw(k, until, pixel, 1);
        k = until;
      }
    }
  }

  /** The node at a moment in a row, or the nearest within `near` µs; -1 for none. */
  at(row, time, near) {
    if (row < 0 || row >= this.count) return -1;
    const { start, dur } = this.model;
    let best = -1;
    let distance = near;
    const middle = this.search(row, time);
    for (let k = Math.max(middle - 2, this.from[row]); k < Math.min(middle + 2, this.from[row + 1]); k += 1) {
      const i = this.order[k];
      const away = time < start[i] ? start[i] - time : Math.max(time - start[i] - dur[i], 0);
      if (away <= distance) [best, distance] = [i, away];
    }
    return best;
  }
}

function sorted(part, start) {
  for (let k = 1; k < part.length; k += 1) if (start[part[k - 1]] > start[part[k]]) return false;
  return true;
}

/** Where the arrows lead in the tree: up to the parent, down to the first child, aside to the siblings. */
export function neighbour(model, node, key) {
  if (node < 0) return model.n ? 0 : -1;
  const over = model.parent[node];
  if (key === "ArrowUp") return over >= 0 ? over : node;
  if (key === "ArrowDown") return model.hasChildren(node) ? node + 1 : node;
  if (key === "ArrowRight") {
    const next = model.end[node];
    return next < (over >= 0 ? model.end[over] : model.n) ? next : node;
  }
  const first = over >= 0 ? over + 1 : 0;
  let before = node;
  for (let sibling = first; sibling < node; sibling = model.end[sibling]) before = sibling;
  return before;
}
