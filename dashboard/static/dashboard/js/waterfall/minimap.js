// The whole trace in a strip, drawn once to a bitmap; the window of time is a brush on top of it. Above the
// bars a thin line of what had been spent and used by then.
import { cost, tokens } from "../format.js";
import { isWhole, within } from "./layout.js";
import { HIDDEN } from "./model.js";

const HEIGHT = 58;
/** The lines of running cost and tokens have the top. */
const LINES = 14;
const EDGE = 6;
const MOST_MARKS = 60;

export class Minimap {
  /** Calls `onWindow([from, to])` while the brush moves. */
  constructor(canvas, state, onWindow) {
    Object.assign(this, { canvas, state, onWindow });
    this.bitmap = document.createElement("canvas");
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("dblclick", () => onWindow([0, state.model.whole]));
    new ResizeObserver(() => this.redraw()).observe(canvas);
    new MutationObserver(() => this.redraw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  colours() {
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue(`--${name}`).trim();
    return { token, fill: (type) => token(`type-${type}`) || token("type-other") };
  }

  redraw() {
    const { model } = this.state;
    const width = this.canvas.clientWidth;
    if (!model || width === 0) return;
    const scale = Math.min(devicePixelRatio || 1, 2);
    for (const target of [this.canvas, this.bitmap]) {
      target.width = Math.round(width * scale);
      target.height = Math.round(HEIGHT * scale);
    }
    this.scale = scale;
    const context = this.bitmap.getContext("2d", { alpha: false });
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const { token, fill } = this.colours();
    context.fillStyle = token("panel");
    context.fillRect(0, 0, width, HEIGHT);
    const room = HEIGHT - LINES - 4;
    const line = Math.max(room / model.n, 1);
    const high = Math.min(Math.max(line, 1), 6);
    const y = (i) => LINES + 2 + ((room - high) * i) / Math.max(model.n - 1, 1);
    this.gaps(context, width, token);
    const box = (i, least) => {
      const x = (model.start[i] / model.whole) * width;
      context.fillRect(x, y(i), Math.max((model.dur[i] / model.whole) * width, least), Math.max(high - (high > 2 ? 1 : 0), 1));
    };
    // By type, so that the colour changes ten times and not 100,000.
    model.types.forEach((type, code) => {
      context.fillStyle = fill(type);
      for (let i = 0; i < model.n; i += 1) if (model.type[i] === code && model.kind[i] !== HIDDEN) box(i, 1);
    });
    context.fillStyle = token("error");
    const mark = model.errors.length > 40 ? 1.5 : 3; // many marks must not hide the rest
    for (const i of model.errors) context.fillRect((model.start[i] / model.whole) * width, y(i) - 1, mark, Math.max(high, mark));
    this.marks(context, width, y, token);
    this.lines(context, width, token);
    this.brush();
  }

  x(time, width) {
    const { model } = this.state;
    return (model.squeeze.toShown(time) / model.whole) * width;
  }

  gaps(context, width, token) {
    context.fillStyle = token("line");
    for (const [start, end] of this.state.model.gaps) {
      const x = this.x(start, width);
      context.fillRect(x, LINES, Math.max(this.x(end, width) - x, 1), HEIGHT - LINES);
    }
  }

  /** Findings, and where a context was cut: small triangles that stand on the bars' top edge. */
  marks(context, width, y, token) {
    const { model } = this.state;
    const mark = (node, colour) => {
      const x = (model.start[node] / model.whole) * width;
      context.fillStyle = token(colour);
      context.beginPath();
      context.moveTo(x - 4, LINES - 2);
      context.lineTo(x + 4, LINES - 2);
      context.lineTo(x, LINES + 5);
      context.fill();
    };
    // Many marks would hide the bars and say nothing.
    if (model.cuts.size <= MOST_MARKS) for (const node of model.cuts.keys()) mark(node, "warn");
    if (model.found.length <= MOST_MARKS) for (const node of model.found) mark(node, "finding");
  }

  /** Running cost in the accent, tokens in grey, each up to its own end; what they come to stands beside. */
  lines(context, width, token) {
    const [times, costs, used] = this.state.model.line;
    if (times.length === 0) return;
    const draw = (values, colour) => {
      const most = values[values.length - 1];
      if (!most) return;
      const height = (value) => LINES - 2 - (value / most) * (LINES - 4);
      context.strokeStyle = token(colour);
      context.beginPath();
      context.moveTo(0, height(0));
      times.forEach((time, k) => {
        const x = this.x(time, width);
        context.lineTo(x, height(k ? values[k - 1] : 0));
        context.lineTo(x, height(values[k]));
      });
      context.lineTo(width, height(most));
      context.stroke();
    };
    context.lineWidth = 1;
    draw(used, "ink-faint");
    draw(costs, "accent");
  }

  /** What had been spent and used at a moment, in words. */
  soFar(time) {
    const [times, costs, used] = this.state.model.line;
    const real = this.state.model.squeeze.toReal(time);
    let k = times.length;
    while (k > 0 && times[k - 1] > real) k -= 1;
    return k ? `By then: ${cost(costs[k - 1])}, ${tokens(used[k - 1])} tokens` : "";
  }

  /** The bitmap, with what lies outside the window greyed. */
  brush() {
    const context = this.canvas.getContext("2d", { alpha: false });
    const { window, model } = this.state;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.bitmap, 0, 0);
    if (isWhole(window, model.whole)) return;
    const { token } = this.colours();
    const width = this.canvas.width;
    const [from, to] = window.map((time) => (time / model.whole) * width);
    context.globalAlpha = 0.65;
    context.fillStyle = token("ground");
    context.fillRect(0, 0, from, this.canvas.height);
    context.fillRect(to, 0, width - to, this.canvas.height);
    context.globalAlpha = 1;
    context.fillStyle = token("accent");
    context.fillRect(from - 1, 0, 2, this.canvas.height);
    context.fillRect(to - 1, 0, 2, this.canvas.height);
  }

  time(event) {
    const box = this.canvas.getBoundingClientRect();
    return (Math.min(Math.max(event.clientX - box.left, 0), box.width) / box.width) * this.state.model.whole;
  }

  /** What a press at a place would do: move an edge, move the brush, or draw a new one. */
  grip(event) {
    const { window, model } = this.state;
    if (isWhole(window, model.whole)) return "new";
    const near = (EDGE / this.canvas.clientWidth) * model.whole;
    const time = this.time(event);
    if (Math.abs(time - window[0]) < near) return "from";
    if (Math.abs(time - window[1]) < near) return "to";
    return time > window[0] && time < window[1] ? "move" : "new";
  }

  hover(event) {
    if (this.state.model.line[0].length) this.canvas.title = this.soFar(this.time(event));
    if (!this.held) this.canvas.style.cursor = { new: "crosshair", move: "grab", from: "ew-resize", to: "ew-resize" }[this.grip(event)];
  }

  press(event) {
    if (event.button !== 0) return;
    const { model, window } = this.state;
    const held = { grip: this.grip(event), at: this.time(event), window };
    this.held = held;
    this.canvas.setPointerCapture(event.pointerId);
    const least = (3 / this.canvas.clientWidth) * model.whole;
    const move = (moved) => {
      const time = this.time(moved);
      if (held.grip === "move") {
        this.onWindow(within(held.window[0] + time - held.at, held.window[1] - held.window[0], model.whole));
        return;
      }
      const fixed = { new: held.at, from: held.window[1], to: held.window[0] }[held.grip];
      if (Math.abs(time - fixed) > least) this.onWindow([Math.min(fixed, time), Math.max(fixed, time)]);
    };
    const release = () => {
      this.held = null;
      this.canvas.removeEventListener("pointermove", move);
    };
    this.canvas.addEventListener("pointermove", move);
    this.canvas.addEventListener("pointerup", release, { once: true });
    this.canvas.addEventListener("pointercancel", release, { once: true });
  }
}
