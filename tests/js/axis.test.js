import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { drawAxis } from "../../dashboard/static/dashboard/js/waterfall/axis.js";
import { squeezedTicks, ticks } from "../../dashboard/static/dashboard/js/waterfall/layout.js";
import { Squeeze } from "../../dashboard/static/dashboard/js/waterfall/squeeze.js";

/** As much of an element as the axis uses. */
function element(clientWidth) {
  const createElement = () => ({ style: {}, textContent: "", className: "" });
  return { clientWidth, children: [], ownerDocument: { createElement }, replaceChildren(...marks) { this.children = marks; } };
}

const drawn = (axis) => axis.children.map((mark) => [mark.style.transform, mark.textContent]);
const wanted = (places) => places.map(([, x, words]) => [`translateX(${x}px)`, words]);

test("every round moment is a mark at its place", () => {
  const axis = element(700);
  drawAxis(axis, [0, 6_400_000]);
  assert.deepEqual(drawn(axis), wanted(ticks([0, 6_400_000], 700)));
  assert.deepEqual(axis.children[0], { style: { transform: "translateX(0px)" }, textContent: "0", className: "" });
});

test("words near the right edge are written to the left of their moment", () => {
  const axis = element(1000);
  drawAxis(axis, [0, 1000]);
  assert.deepEqual(axis.children.map((mark) => mark.className).filter(Boolean), ["is-last"]);
  assert.equal(axis.children.at(-1).className, "is-last");
  drawAxis(axis, [0, 1050]);
  assert.ok(axis.children.every((mark) => mark.className === ""));
});

test("with idle times shortened the moments are those that really were", () => {
  const squeeze = new Squeeze([[1e6, 60e6]], 62e6);
  const window = [0, squeeze.toShown(62e6)];
  const axis = element(700);
  drawAxis(axis, window, squeeze);
  assert.deepEqual(drawn(axis), wanted(squeezedTicks(squeeze, window, 700)));
});

test("an axis that does not show stays as it is", () => {
  const axis = element(0);
  axis.children = ["as before"];
  drawAxis(axis, [0, 1000]);
  assert.deepEqual(axis.children, ["as before"]);
});

test("the waterfall and the flame view draw the axis by this function alone", () => {
  for (const name of ["waterfall/time_window.js", "flame/main.js"]) {
    const source = readFileSync(new URL(`../../dashboard/static/dashboard/js/${name}`, import.meta.url), "utf8");
    assert.match(source, /import \{ drawAxis \} from/);
    assert.doesNotMatch(source, /\bticks\(|createElement\("span"\)/);
  }
});
