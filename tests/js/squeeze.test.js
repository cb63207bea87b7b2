import assert from "node:assert/strict";
import { test } from "node:test";

import { squeezedTicks } from "../../dashboard/static/dashboard/js/waterfall/layout.js";
import { Squeeze } from "../../dashboard/static/dashboard/js/waterfall/squeeze.js";

test("without gaps time stays as it is", () => {
  const plain = new Squeeze([], 1000);
  assert.equal(plain.whole, 1000);
  for (const time of [-5, 0, 300, 1000, 1200]) assert.deepEqual([plain.toShown(time), plain.toReal(time)], [time, time]);
});

test("gaps become short and everything else keeps its length", () => {
  const squeeze = new Squeeze([[100, 900], [950, 5000]], 5100);
  const short = squeeze.toShown(900) - squeeze.toShown(100);
  assert.ok(short > 0 && short < 10);
  assert.equal(squeeze.toShown(100), 100);
  assert.equal(Math.round(squeeze.toShown(950) - squeeze.toShown(900)), 50);
  assert.equal(Math.round(squeeze.toShown(5100) - squeeze.toShown(5000)), 100);
  assert.deepEqual(squeeze.busy(), [[0, 100], [900, 950], [5000, 5100]]);
  for (let time = 0; time <= 5100; time += 17) {
    assert.ok(Math.abs(squeeze.toReal(squeeze.toShown(time)) - time) < 1e-6);
    assert.ok(squeeze.toShown(time + 1) > squeeze.toShown(time));
  }
});

test("ticks of shortened time say real moments and do not crowd", () => {
  const squeeze = new Squeeze([[2e6, 3600e6]], 3605e6);
  const marks = squeezedTicks(squeeze, [0, squeeze.whole], 800);
  assert.ok(marks.length >= 3 && marks.length < 20);
  for (let k = 1; k < marks.length; k += 1) assert.ok(marks[k][1] - marks[k - 1][1] >= 60);
  assert.ok(marks[marks.length - 1][0] > 3600e6);
});
