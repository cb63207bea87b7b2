import assert from "node:assert/strict";
import { test } from "node:test";

// The module listens on the page as it is loaded; a page that hears nothing is enough for its pure parts.
const silent = () => ({ append() {}, dataset: {} });
globalThis.document = { createElement: silent, addEventListener() {} };
const { pathText, pointer } = await import("../../dashboard/static/dashboard/js/trace/json.js");

test("a path reads as JSONPath", () => {
  assert.equal(pathText(["messages", 0, "content"]), "$.messages[0].content");
  assert.equal(pathText(["a b", 'quo"te', "ok_1"]), '$["a b"]["quo\\"te"].ok_1');
  assert.equal(pathText([]), "$");
});

test("a pointer escapes as RFC 6901 says", () => {
  assert.equal(pointer(["a/b", "~", 3]), "/a~1b/~0/3");
  assert.equal(pointer([]), "");
});
