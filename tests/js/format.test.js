import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as format from "../../dashboard/static/dashboard/js/format.js";

const cases = JSON.parse(readFileSync(new URL("./format_cases.json", import.meta.url), "utf8"));

for (const [name, pairs] of Object.entries(cases)) {
  test(`${name} reads as in Python`, () => {
    for (const [value, expected] of pairs) assert.equal(format[name](value), expected);
  });
}
