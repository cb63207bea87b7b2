import assert from "node:assert/strict";
import { test } from "node:test";

import * as layout from "../../dashboard/static/dashboard/js/waterfall/layout.js";
import { Model } from "../../dashboard/static/dashboard/js/waterfall/model.js";
import { columns } from "./sample.js";

test("rows near a scroll position", () => {
  assert.deepEqual(layout.rowsNear(0, 240, 1000, 2), [0, 12]);
  assert.deepEqual(layout.rowsNear(2400, 240, 1000, 2), [98, 112]);
  assert.deepEqual(layout.rowsNear(1e9, 240, 5), [5, 5]);
  assert.deepEqual(layout.rowsNear(0, 240, 0), [0, 0]);
});

test("ancestors that were scrolled away lie over the first row that shows below them", () => {
  const model = new Model(columns()); // root > (alpha > (beta, gamma), delta), epsilon
  const above = (scrollTop, most) => layout.ancestorsAbove(model, scrollTop, most);
  assert.deepEqual(above(0), []);
  assert.deepEqual(above(23), []);
  // Under root comes beta, which has alpha above it too; under both comes gamma.
  assert.deepEqual(above(24), [0, 1]);
  assert.deepEqual(above(24, 1), [1]);
  // Delta shows under root alone; epsilon under nothing.
  assert.deepEqual(above(3 * 24), [0]);
  assert.deepEqual(above(5 * 24), []);
  model.filter("nothing is called so");
  assert.deepEqual(above(48), []);
});

test("bars are placed, clipped, and never too thin to see", () => {
  assert.deepEqual(layout.bar(100, 300, [0, 1000], 500), [50, 150]);
  assert.deepEqual(layout.bar(100, 0, [0, 1000], 500), [50, 2]);
  assert.deepEqual(layout.bar(-100, 300, [0, 1000], 500), [0, 100]);
  assert.deepEqual(layout.bar(900, 900, [0, 1000], 500), [450, 50]);
  assert.deepEqual(layout.bar(1000, 0, [0, 1000], 500), [498, 2]);
  assert.equal(layout.bar(0, 10, [500, 1000], 500), null);
  assert.equal(layout.bar(1001, 10, [500, 1000], 500), null);
});

test("zoom holds the moment under the pointer and stays inside the whole", () => {
  assert.deepEqual(layout.zoom([0, 1000], 0.5, 500, 1000), [250, 750]);
  assert.deepEqual(layout.zoom([0, 1000], 0.5, 0, 1000), [0, 500]);
  assert.deepEqual(layout.zoom([250, 750], 4, 500, 1000), [0, 1000]);
  const [from, to] = layout.zoom([0, 1000], 1e-9, 400, 1000);
  assert.ok(to - from >= 5 && from < 400 && to > 400);
  assert.deepEqual(layout.pan([0, 100], -50, 1000), [0, 100]);
  assert.deepEqual(layout.pan([900, 1000], 50, 1000), [900, 1000]);
});

test("ticks are round, inside, and told apart", () => {
  for (const whole of [7, 1234, 98_765, 6_400_000, 151_000_000, 7_200_000_000, 9e11]) {
    for (const width of [80, 400, 1500]) {
      const marks = layout.ticks([0, whole], width);
      assert.ok(marks.length >= 1 && marks.length <= width / 60 + 2, `${whole} ${width} ${marks.length}`);
      assert.equal(new Set(marks.map(([, , words]) => words)).size, marks.length, marks.map((m) => m[2]).join());
      for (const [time, x] of marks) assert.ok(time <= whole && x >= 0 && x <= width + 0.001);
    }
  }
});

test("moments read in the unit of their step", () => {
  assert.equal(layout.moment(0, 1e6), "0");
  assert.equal(layout.moment(2e6, 1e6), "2 s");
  assert.equal(layout.moment(2.5e6, 5e5), "2500 ms");
  assert.equal(layout.moment(12.5e6, 5e5), "12.5 s");
  assert.equal(layout.moment(250, 50), "250 µs");
  assert.equal(layout.moment(90e6, 30e6), "1 m 30 s");
  assert.equal(layout.moment(7200e6, 3600e6), "2 h 00 m");
});

test("pieces of the critical path that touch become one", () => {
  const model = new Model(columns({ critical: [[0, 0, 0], [0, 100, 500], [99, 200, 600]] }));
  assert.deepEqual(layout.pieces(model, 0, [0, 1000], 100), [[0, 20], [50, 10]]);
  assert.deepEqual(layout.pieces(model, 1, [0, 1000], 100), []);
  assert.equal(layout.gradient([], "red"), "none");
  assert.match(layout.gradient([[5, 10]], "red"), /transparent 5px, red 5px, red 15px, transparent 15px/);
});

test("the window survives a round trip through the address", () => {
  assert.deepEqual(layout.readWindow(layout.writeWindow([100.4, 600], 1000), 1000), [100, 600]);
  assert.equal(layout.writeWindow([0, 1000], 1000), "");
  for (const bad of ["", null, "5", "9-5", "a-b", "2000-3000", "-5-10", "1-2"]) assert.equal(layout.readWindow(bad, 1000), null);
});
