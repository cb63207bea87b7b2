import assert from "node:assert/strict";
import { test } from "node:test";

import { inkOn } from "../../dashboard/static/dashboard/js/flame/chart.js";
import { Rows, neighbour } from "../../dashboard/static/dashboard/js/flame/rows.js";
import { Model } from "../../dashboard/static/dashboard/js/waterfall/model.js";
import { columns, random } from "./sample.js";

const small = () => new Model(columns());

test("bars of a row never overlap, and every child lies below its parent", () => {
  for (const seed of [1, 2, 3]) {
    const model = new Model(random(3000, seed));
    const rows = new Rows(model);
    for (let r = 0; r < rows.count; r += 1) {
      for (let k = rows.from[r] + 1; k < rows.from[r + 1]; k += 1) {
        const [a, b] = [rows.order[k - 1], rows.order[k]];
        assert.ok(model.start[a] + model.dur[a] <= model.start[b], `row ${r}`);
      }
    }
    for (let i = 0; i < model.n; i += 1) if (model.parent[i] >= 0) assert.ok(rows.row[i] > rows.row[model.parent[i]]);
  }
});

test("what is drawn covers every span in the window once", () => {
  const model = new Model(random(5000));
  const rows = new Rows(model);
  for (const window of [[0, model.whole], [1000, 9000], [20000, 20100]]) {
    for (let r = 0; r < rows.count; r += 1) {
      const seen = new Set();
      let last = -1;
      rows.each(r, window, 700, (k, until, x, width) => {
        assert.ok(k > last, "each span once");
        for (let one = k; one < until; one += 1) seen.add(rows.order[one]);
        last = until - 1;
        assert.ok(x >= 0 && x <= 700 && width >= 1);
      });
      for (let k = rows.from[r]; k < rows.from[r + 1]; k += 1) {
        const i = rows.order[k];
        const inside = model.start[i] >= window[0] && model.start[i] < window[1];
        if (inside) assert.ok(seen.has(i), `span ${i} of row ${r} is missing`);
      }
    }
  }
});

test("a row of 100,000 short spans is drawn in no more pieces than it has pixels", () => {
  const n = 100_001;
  const numbers = (make) => Array.from({ length: n }, (_, i) => make(i));
  const model = new Model({
    ...random(n),
    span: n * 10,
    parent: numbers((i) => (i === 0 ? -1 : 0)),
    depth: numbers((i) => (i === 0 ? 0 : 1)),
    start: numbers((i) => (i === 0 ? 0 : i * 10)),
    dur: numbers((i) => (i === 0 ? n * 10 : 8)),
  });
  const rows = new Rows(model);
  assert.equal(rows.count, 2);
  let pieces = 0;
  rows.each(1, [0, model.whole], 1000, () => (pieces += 1));
  assert.ok(pieces <= 1001, String(pieces));
});

test("errors that share a pixel with others are counted", () => {
  const model = small();
  const rows = new Rows(model);
  assert.equal(rows.errors[rows.errors.length - 1], model.errors.length);
});

test("a point finds its span, and a near one too", () => {
  const model = small();
  const rows = new Rows(model);
  assert.equal(rows.at(rows.row[2], 150, 0), 2);
  assert.equal(rows.at(rows.row[2], 204, 5), 2);
  assert.equal(rows.at(99, 150, 5), -1);
});

test("arrows lead to parent, first child and siblings, and stay where there is none", () => {
  const model = small();
  assert.equal(neighbour(model, 2, "ArrowUp"), 1);
  assert.equal(neighbour(model, 1, "ArrowDown"), 2);
  assert.equal(neighbour(model, 2, "ArrowRight"), 3);
  assert.equal(neighbour(model, 3, "ArrowLeft"), 2);
  assert.equal(neighbour(model, 3, "ArrowRight"), 3);
  assert.equal(neighbour(model, 0, "ArrowUp"), 0);
  assert.equal(neighbour(model, 0, "ArrowRight"), 5);
  assert.equal(neighbour(model, 5, "ArrowLeft"), 0);
  assert.equal(neighbour(model, -1, "ArrowDown"), 0);
});

test("labels are black or white, whichever reads better", () => {
  assert.equal(inkOn("#0072b2"), "#ffffff");
  assert.equal(inkOn("#e69f00"), "#000000");
  assert.equal(inkOn("not a colour"), "#000000");
});
