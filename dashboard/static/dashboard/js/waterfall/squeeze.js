// Idle times made short: real time (µs from the trace's start) to shown time and back. Pure.

/** A shortened gap is this share of what is left when all gaps are taken out. */
const SHARE = 0.015;

export class Squeeze {
  /** `gaps` are [start, end] by start, apart from each other; none leaves time as it is. */
  constructor(gaps, whole) {
    const idle = gaps.reduce((sum, [start, end]) => sum + end - start, 0);
    const short = Math.max((whole - idle) * SHARE, 1);
    // Corners of a piecewise straight line: real time, shown time.
    this.real = [0];
    this.shown = [0];
    for (const [start, end] of gaps) {
      const at = this.toShownAfterLast(start);
      this.real.push(start, end);
      this.shown.push(at, at + Math.min(short, end - start));
    }
    this.shown.push(this.toShownAfterLast(whole));
    this.real.push(whole);
    this.whole = Math.max(this.shown[this.shown.length - 1], 1);
    this.gaps = gaps;
  }

  toShownAfterLast(time) {
    return this.shown[this.shown.length - 1] + time - this.real[this.real.length - 1];
  }

  toShown(time) {
    return along(time, this.real, this.shown);
  }

  toReal(time) {
    return along(time, this.shown, this.real);
  }

  /** The times that keep their length, as [start, end] in real time. */
  busy() {
    const found = [];
    for (let k = 0; k + 1 < this.real.length; k += 2) found.push([this.real[k], this.real[k + 1]]);
    return found;
  }
}

/** The point of the line through (from, to) at `value`; beyond the ends the line goes on as it was. */
function along(value, from, to) {
  let k = 0;
  while (k + 2 < from.length && value > from[k + 1]) k += 1;
  const width = from[k + 1] - from[k];
  const slope = value > from[k + 1] || width === 0 ? 1 : (to[k + 1] - to[k]) / width;
  return to[k] + (value - from[k]) * slope;
}
