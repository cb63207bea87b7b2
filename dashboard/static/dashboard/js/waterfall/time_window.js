// The part of the time that the rows show: zoom, pan, the axis above it, and its place in the address.
import * as address from "./address.js";
import { drawAxis } from "./axis.js";
import { isWhole, pan, readWindow, writeWindow, zoom } from "./layout.js";

const GLIDE_MS = 120;
const WRITE_MS = 250;
/** How far a wheel's tick may turn, and how much of it zooms. */
const MOST_DELTA = 100;
const ZOOM = 0.004;

export class TimeWindow {
  /** `changed()` is called when `state.window` has another value. */
  constructor(axis, state, changed) {
    this.axis = axis;
    this.state = state;
    this.changed = changed;
    this.goal = null; // where it glides to
  }

  /** As it was shown to begin with. */
  get isWhole() {
    return isWhole(this.state.window, this.state.model.whole);
  }

  set(window) {
    this.state.window = window;
    this.changed();
    clearTimeout(this.writing);
    this.writing = setTimeout(() => address.write({ t: this.inAddress() }), WRITE_MS);
  }

  inAddress() {
    const { model, window } = this.state;
    return this.isWhole ? "" : writeWindow(window.map((time) => model.squeeze.toReal(time)), Infinity);
  }

  /** Takes over what the address says, '' for the whole time. */
  take(words) {
    const { model } = this.state;
    const real = readWindow(words, model.realWhole);
    this.state.window = real ? real.map((time) => model.squeeze.toShown(time)) : [0, model.whole];
  }

  /** Keeps showing the same real time while `change` may move all times; `later` is how far it did, in µs. */
  keeping(change) {
    const { model, window } = this.state;
    const whole = this.isWhole;
    const real = window.map((time) => model.squeeze.toReal(time));
    const later = change() ?? 0;
    const now = this.state.model;
    this.state.window = whole ? [0, now.whole] : real.map((time) => now.squeeze.toShown(time + later));
    this.goal = null;
  }

  /** Moves to a window in a few frames, so that the eye can follow; a new goal starts from where it is. */
  glideTo(goal) {
    cancelAnimationFrame(this.gliding);
    this.goal = goal;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.set(goal);
      return;
    }
    const from = this.state.window;
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(Math.max(now - began, 0) / GLIDE_MS, 1);
      const eased = 1 - (1 - share) ** 3;
      this.set(share === 1 ? goal : from.map((time, k) => time + (goal[k] - time) * eased));
      if (share < 1) this.gliding = requestAnimationFrame(step);
      else this.goal = null;
    };
    this.gliding = requestAnimationFrame(step);
  }

  zoomBy(factor) {
    const window = this.goal ?? this.state.window;
    this.glideTo(zoom(window, factor, (window[0] + window[1]) / 2, this.state.model.whole));
  }

  panBy(share) {
    const [from, to] = this.goal ?? this.state.window;
    this.glideTo(pan([from, to], (to - from) * share, this.state.model.whole));
  }

  showWhole() {
    this.glideTo([0, this.state.model.whole]);
  }

  wheel(event) {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    const box = this.axis.getBoundingClientRect();
    const { window, model } = this.state;
    const [from, to] = window;
    if (!event.ctrlKey) this.set(pan(window, ((to - from) * event.deltaX) / Math.max(box.width, 1), model.whole));
    else {
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      const factor = Math.exp(Math.max(Math.min(event.deltaY, MOST_DELTA), -MOST_DELTA) * ZOOM);
      this.set(zoom(window, factor, from + share * (to - from), model.whole));
    }
  }

  drawAxis() {
    const { model, window } = this.state;
    drawAxis(this.axis, window, model.isSqueezed ? model.squeeze : null);
  }
}
