// The time axis: round moments above the bars, of the waterfall and of the flame view.
import { squeezedTicks, ticks } from "./layout.js";

/** Room that the words of a moment need; nearer to the right edge they are written to the left of it. */
const WORDS = 44;

/**
 * Draws the moments of a window, in µs, into an element as wide as the line. `squeeze` is that of a model whose idle
 * times are shortened, else null. An element that does not show stays as it is.
 */
export function drawAxis(axis, window, squeeze = null) {
  const width = axis.clientWidth;
  if (!width) return;
  const places = squeeze ? squeezedTicks(squeeze, window, width) : ticks(window, width);
  const marks = places.map(([, x, words]) => {
    const mark = axis.ownerDocument.createElement("span");
    mark.style.transform = `translateX(${x}px)`;
    mark.textContent = words;
    if (x > width - WORDS) mark.className = "is-last";
    return mark;
  });
  axis.replaceChildren(...marks);
}
