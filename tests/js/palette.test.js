import assert from "node:assert/strict";
import { test } from "node:test";
import { matching, stepped } from "../../dashboard/static/dashboard/js/palette.js";

const pages = ["Overview", "Traces", "Models & cost", "Settings"].map((label) => ({ label }));

test("pages are found by the beginning of any of their words", () => {
  const labels = (text) => matching(pages, text).map((page) => page.label);
  assert.deepEqual(labels(" CO "), ["Models & cost"]);
  assert.deepEqual(labels("models & c"), ["Models & cost"]);
  assert.deepEqual(labels("race"), []);
  assert.equal(labels("").length, 4);
});

test("the choice goes around the ends, and nowhere in an empty list", () => {
  assert.equal(stepped(3, 1, 4), 0);
  assert.equal(stepped(0, -1, 4), 3);
  assert.equal(stepped(-1, 1, 0), -1);
});
