import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "Asia/Kolkata";
const { localTime, resolved } = await import("../../dashboard/static/dashboard/js/charts.js");

test("times are told in the reader's zone, across the end of a day", () => {
  assert.equal(localTime("2026-11-26T20:00:05Z"), "2026-11-27 01:30:05");
});

test("tokens become colours wherever they stand, and everything else stays", () => {
  const source = { a: ["var(--ink)", 1, null, { b: "var(--line)" }], c: "2026-11-26T00:00:00Z", d: "var(--ink) text", e: "2026" };
  assert.deepEqual(resolved(source, (name) => `<${name}>`), {
    a: ["<--ink>", 1, null, { b: "<--line>" }],
    c: "2026-11-26 05:30:00",
    d: "var(--ink) text",
    e: "2026",
  });
});
