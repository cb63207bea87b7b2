// Where things lie: time to pixels, ticks, zoom, which rows are near. Pure; no DOM. Times in µs.

export const ROW = 24;
const MIN_BAR = 2;
const MIN_WINDOW = 5;

/** Rows [first, last) to draw for a scroll position, with some before and after. */
export function rowsNear(scrollTop, height, count, overscan = 6) {
  const first = Math.max(Math.floor(scrollTop / ROW) - overscan, 0);
  const last = Math.min(Math.ceil((scrollTop + height) / ROW) + overscan, count);
  return [Math.min(first, last), last];
}

/** Rows that may lie over the top of the list. */
export const MOST_ABOVE = 4;

/**
 * The ancestors that have been scrolled away, outermost first, of the first row that shows below them: at
 * most the nearest `most`. They cover as many rows as they are, so that row depends on how many they are.
 */
export function ancestorsAbove(model, scrollTop, most = MOST_ABOVE) {
  const top = Math.floor(scrollTop / ROW);
  for (let covered = 0; ; covered += 1) {
    const chain = [];
    const row = Math.min(top + covered, model.count - 1);
    if (row < 0) return chain;
    for (let over = model.parentOf(model.visible[row]); over >= 0 && chain.length < most; over = model.parentOf(over)) {
      if (model.rowOf(over) < top + covered) chain.unshift(over);
    }
    if (chain.length <= covered) return chain;
  }
}

/** A bar's place in pixels, clipped to the line; null when it lies outside the window. */
export function bar(start, duration, [from, to], width) {
  const scale = width / (to - from);
  const left = (start - from) * scale;
  const right = (start + duration - from) * scale;
  if (right < 0 || left > width) return null;
  const x = Math.min(Math.max(left, 0), width - MIN_BAR);
  return [x, Math.max(Math.min(right, width) - x, MIN_BAR)];
}

/** Zooms by a factor (< 1 is closer) about a moment, kept inside the whole. */
export function zoom([from, to], factor, at, whole) {
  const length = Math.min(Math.max((to - from) * factor, MIN_WINDOW), whole);
  const share = (at - from) / (to - from);
  return within(at - share * length, length, whole);
}

export function pan([from, to], by, whole) {
  return within(from + by, to - from, whole);
}

export function within(from, length, whole) {
  const begin = Math.min(Math.max(from, 0), whole - length);
  return [begin, begin + length];
}

export function isWhole([from, to], whole) {
  return from <= 0 && to >= whole;
}

/** Steps of clocks, in seconds, above which decimal ones read badly. */
const CLOCK = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

/** The smallest round step that is at least so long. */
export function roundStep(rough) {
  if (rough > 10e6 && rough <= 86400e6) return CLOCK.find((seconds) => seconds * 1e6 >= rough) * 1e6;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
}

/** Round moments in the window, about one per 110 px: [time, x, words]. */
export function ticks([from, to], width) {
  const step = roundStep(((to - from) * 110) / Math.max(width, 1));
  const made = [];
  for (let k = Math.ceil(from / step); k * step <= to; k += 1) {
    made.push([k * step, ((k * step - from) / (to - from)) * width, moment(k * step, step)]);
  }
  return made;
}

/** The same where idle times are shortened: round real moments, of the busy times and far enough apart. */
export function squeezedTicks(squeeze, [from, to], width) {
  const step = roundStep(((to - from) * 110) / Math.max(width, 1));
  const made = [];
  for (const [begin, end] of squeeze.busy()) {
    const first = Math.max(begin, squeeze.toReal(from));
    const last = Math.min(end, squeeze.toReal(to));
    for (let k = Math.ceil(first / step); k * step <= last; k += 1) {
      const x = ((squeeze.toShown(k * step) - from) / (to - from)) * width;
      if (made.length === 0 || x - made[made.length - 1][1] >= 60) made.push([k * step, x, moment(k * step, step)]);
    }
  }
  return made;
}

/** A moment of the axis, in the unit of its step and with no more digits than tell ticks apart. */
export function moment(time, step) {
  if (time === 0) return "0";
  const [unit, size] = [["s", 1e6], ["ms", 1e3], ["µs", 1]].find(([, least]) => step >= least || least === 1) ?? [];
  const [word, scale] = unit === "ms" && time >= 1e7 ? ["s", 1e6] : [unit, size];
  const digits = Math.max(0, Math.ceil(-Math.log10(step / scale) - 1e-9));
  if (word === "s" && time >= 60e6 && digits === 0) {
    const two = (number) => String(number).padStart(2, "0");
    const seconds = Math.round(time / 1e6);
    const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    if (hours) return `${hours} h ${two(minutes)} m`;
    return rest ? `${minutes} m ${two(rest)} s` : `${minutes} m`;
  }
  return `${(time / scale).toFixed(digits)} ${word}`;
}

/** A node's pieces of the critical path as [x, width] in whole pixels, pieces that touch made one. */
export function pieces(model, node, window, width) {
  const made = [];
  for (let k = model.pieceFrom[node]; k < model.pieceFrom[node + 1]; k += 1) {
    const place = bar(model.pieceStart[k], model.pieceEnd[k] - model.pieceStart[k], window, width);
    if (place === null) continue;
    const [x, w] = [Math.floor(place[0]), Math.ceil(place[1])];
    const before = made[made.length - 1];
    if (before && x <= before[0] + before[1] + 1) before[1] = Math.max(before[1], x + w - before[0]);
    else made.push([x, w]);
  }
  return made;
}

/** Pieces as a background, so that any number of them costs one element. */
export function gradient(list, colour) {
  if (list.length === 0) return "none";
  const stops = list.flatMap(([x, w]) => [
    `transparent ${x}px`,
    `${colour} ${x}px`,
    `${colour} ${x + w}px`,
    `transparent ${x + w}px`,
  ]);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** `t=` of the address: "from-to" in µs, or null. */
export function readWindow(text, whole) {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? "");
  if (!match) return null;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return to - from >= MIN_WINDOW && from < whole ? within(from, Math.min(to - from, whole), whole) : null;
}

export function writeWindow(window, whole) {
  return isWhole(window, whole) ? "" : `${Math.round(window[0])}-${Math.round(window[1])}`;
}
