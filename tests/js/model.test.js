import assert from "node:assert/strict";
import { test } from "node:test";

import { Model } from "../../dashboard/static/dashboard/js/waterfall/model.js";
import { oddities } from "../../dashboard/static/dashboard/js/waterfall/words.js";
import { NAMES, columns, random } from "./sample.js";

const shown = (model) => Array.from(model.visible.subarray(0, model.count), (node) => NAMES[model.name[node]]);

test("everything shows at first, with its place among its siblings", () => {
  const model = new Model(columns());
  assert.deepEqual(shown(model), NAMES);
  assert.deepEqual([...model.end], [5, 4, 3, 4, 5, 6]);
  assert.deepEqual([...model.place], [1, 1, 1, 2, 2, 2]);
  assert.deepEqual([0, 1, 2, 5].map((node) => model.setSize(node)), [2, 2, 2, 2]);
});

test("a folded node hides its descendants and only those", () => {
  const model = new Model(columns());
  model.setCollapsed(1, true);
  assert.deepEqual(shown(model), ["root", "alpha", "delta", "epsilon"]);
  assert.equal(model.rowOf(4), 2);
  assert.equal(model.rowOf(2), -1);
  model.reveal(2);
  assert.deepEqual(shown(model), NAMES);
});

test("levels fold from the deepest and unfold from the highest", () => {
  const model = new Model(columns());
  model.foldLevel();
  assert.deepEqual(shown(model), ["root", "alpha", "delta", "epsilon"]);
  model.foldLevel();
  assert.deepEqual(shown(model), ["root", "epsilon"]);
  model.foldLevel();
  assert.deepEqual(shown(model), ["root", "epsilon"]);
  model.unfoldLevel();
  assert.deepEqual(shown(model), ["root", "alpha", "delta", "epsilon"]);
  model.unfoldLevel();
  assert.deepEqual(shown(model), NAMES);
});

test("a filter keeps matches and their ancestors, and opens what was folded", () => {
  const model = new Model(columns());
  model.setCollapsed(0, true);
  model.filter("GPT");
  assert.deepEqual(shown(model), ["root", "alpha", "beta"]);
  assert.equal(model.matches, 1);
  assert.deepEqual([model.kept[0], model.kept[2]], [2, 1]);
  model.filter("");
  assert.deepEqual(shown(model), ["root", "epsilon"]);
});

test("words of a filter must all be found; type and status narrow", () => {
  const model = new Model(columns());
  const matching = (question) => {
    model.filter(question);
    return model.matches;
  };
  assert.equal(matching("type:tool"), 2);
  assert.equal(matching("type:tool gamma"), 1);
  assert.equal(matching("status:error"), 2);
  assert.equal(matching("error"), 2);
  assert.equal(matching("4444444444444444"), 1);
  assert.equal(matching("nothing"), 0);
  assert.equal(model.count, 0);
});

test("errors are found forwards and backwards, around the ends", () => {
  const model = new Model(columns());
  assert.deepEqual([-1, 3, 4].map((node) => model.nextError(node, 1)), [3, 4, 3]);
  assert.deepEqual([4, 3, 5].map((node) => model.nextError(node, -1)), [3, 4, 4]);
  assert.equal(new Model(columns({ status: [0, 0, 0, 0, 0, 0] })).nextError(0, 1), -1);
});

test("a group with failed calls is marked, and is no error to go to", () => {
  const model = new Model(columns({ status: [0, 2, 0, 2, 2, 0], groups: [1] }));
  assert.ok(model.isError(1));
  assert.deepEqual(Array.from(model.errors), [3, 4]);
});

test("how far a subtree reaches in time", () => {
  assert.deepEqual([...new Model(columns()).reach], [700, 700, 200, 700, 600, 1000]);
});

test("critical pieces are found by node", () => {
  const model = new Model(columns());
  const of = (node) => Array.from({ length: model.pieceFrom[node + 1] - model.pieceFrom[node] }, (_, k) => {
    const at = model.pieceFrom[node] + k;
    return [model.pieceStart[at], model.pieceEnd[at]];
  });
  assert.deepEqual(of(0), [[0, 300], [500, 600]]);
  assert.deepEqual(of(3), [[300, 500]]);
  assert.deepEqual(of(1), []);
});

test("an empty trace and a huge one", () => {
  const none = Object.fromEntries(Object.entries(columns()).map(([key, value]) => [key, Array.isArray(value) && !["critical", "hidden", "cuts", "so_far", "line"].includes(key) ? [] : value]));
  const model = new Model({ ...none, n: 0, critical: [[], [], []], so_far: [[], [], [], []] });
  assert.equal(model.count, 0);
  const big = new Model(random(100_000));
  assert.equal(big.count, 100_000);
  big.setCollapsed(0, true);
  assert.equal(big.count, 1);
});

test("for any folding, rows and nodes agree", () => {
  const model = new Model(random(3000, 7));
  for (let i = 0; i < 3000; i += 3) model.collapsed[i] = 1;
  model.show();
  for (let row = 0; row < model.count; row += 1) {
    const node = model.visible[row];
    assert.equal(model.rowOf(node), row);
    for (let over = model.parent[node]; over >= 0; over = model.parent[over]) assert.equal(model.collapsed[over], 0);
  }
});

test("flags in words", () => {
  assert.equal(oddities(0), "");
  assert.equal(oddities(1 | 8), "parent not received, starts before its parent: clocks differ");
  assert.equal(oddities(16), "");
});

/** root > (× 2 [a, b], c), with b's subtree hidden. */
function grouped() {
  return columns({
    parent: [-1, 0, 1, 1, 3, 0],
    depth: [0, 1, 2, 2, 3, 1],
    groups: [1],
    hidden: [[4], ["4444444444444444"], [7]],
    total: 11,
    status: [0, 0, 0, 2, 0, 0],
  });
}

test("a group is folded at first and its members are reached by error and by level", () => {
  const model = new Model(grouped());
  assert.deepEqual(shown(model), ["root", "alpha", "epsilon"]);
  model.reveal(model.nextError(-1, 1));
  assert.deepEqual(shown(model), ["root", "alpha", "beta", "gamma", "delta", "epsilon"]);
  assert.deepEqual([model.levelOf(3), model.parentOf(3), model.setSize(3)], [2, 1, 2]);
});

test("without groups their members are children of what is around", () => {
  const model = new Model(grouped());
  model.setGrouping(false);
  assert.deepEqual(shown(model), ["root", "beta", "gamma", "delta", "epsilon"]);
  assert.deepEqual([model.levelOf(3), model.parentOf(3), model.setSize(3), model.place[5]], [1, 0, 3, 3]);
  model.setGrouping(true);
  assert.deepEqual(shown(model), ["root", "alpha", "epsilon"]);
});

test("groups and hidden rows are no spans: not counted, not matched", () => {
  const model = new Model(grouped());
  assert.equal(model.spans, 4);
  assert.equal(model.under.get(4), "4444444444444444");
  model.filter("alpha");
  assert.equal(model.matches, 0);
  model.filter("gamma");
  assert.deepEqual(shown(model), ["root", "alpha", "gamma"]);
});

test("a newer model takes over what was folded, by span", () => {
  const old = new Model(columns());
  old.setCollapsed(1, true);
  const next = new Model(columns({ id: ["9", "1", "2", "3", "4", "5"].map((digit) => digit.repeat(16)) }));
  next.adopt(old);
  assert.deepEqual([...next.collapsed], [0, 0, 1, 0, 0, 0]);
});

test("findings lead from row to row around the ends", () => {
  const found = { severity: "critical", title: "Loop", explanation: "Again.", rows: [4, 1] };
  const model = new Model(columns({ findings: [found, { ...found, rows: [1] }] }));
  assert.deepEqual([-1, 1, 4].map((node) => model.nextFinding(node, 1)), [1, 4, 1]);
  assert.deepEqual([1, 5].map((node) => model.nextFinding(node, -1)), [4, 4]);
  assert.equal(model.foundAt.get(1).length, 2);
});

test("the number of a step stands where it begins", () => {
  const model = new Model(columns({ step: [0, 1, 1, 2, 2, 1], run: [0, 0, 0, 0, 0, 1] }));
  assert.deepEqual([...model.beginsStep], [0, 1, 0, 1, 0, 1]);
});

test("shortened idle times move bars and critical pieces alike", () => {
  const model = new Model(columns());
  model.setSqueezed(true);
  assert.ok(model.whole < 850);
  assert.equal(model.start[4], 500);
  assert.equal(Math.round(model.start[5] + model.dur[5]), Math.round(model.whole));
  assert.ok(model.pieceEnd[model.pieceFrom[5]] <= model.whole + 1e-6);
  model.setSqueezed(false);
  assert.deepEqual([model.whole, model.start[5]], [1000, 900]);
});
