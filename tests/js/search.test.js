import assert from "node:assert/strict";
import { test } from "node:test";

import { completed, grown } from "../../dashboard/static/dashboard/js/search/completion.js";
import { between, edge } from "../../dashboard/static/dashboard/js/search/volume.js";

test("a value is followed by a space, a field is not", () => {
  assert.deepEqual(completed("x sta y", 2, 5, "status:"), { text: "x status: y", caret: 9 });
  assert.deepEqual(completed("status:e", 7, 8, "error"), { text: "status:error ", caret: 13 });
  assert.deepEqual(completed("status:e y", 7, 8, "error"), { text: "status:error y", caret: 13 });
});

test("letters that were typed after the question belong to the word it was about", () => {
  const asked = { start: 7, end: 8, about: "status:e y" };
  assert.equal(grown(asked, "status:e y"), 8);
  assert.equal(grown(asked, "status:err y"), 10);
  assert.equal(grown(asked, "status: y"), 7);
  assert.equal(grown(asked, "status:err or y"), null);
  assert.equal(grown(asked, "stats:e y"), null);
  assert.equal(grown(asked, "status y"), null);
});

test("a brush holds whole buckets of the chart, whichever way it is drawn", () => {
  assert.deepEqual(between(7, 3, 10), [3, 7]);
  assert.deepEqual(between(-2, 99, 10), [0, 9]);
});

test("an edge is exact to the millisecond, though nanoseconds do not fit a double", () => {
  assert.equal(edge("1790000000000000000", "60000000000", 2), "2026-09-21T14:15:20.000Z");
});
