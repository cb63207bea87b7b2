// The whole trace in a strip, drawn once to a bitmap; the window of time is a brush on top of it.
import { isWhole, within } from "./layout.js";

const HEIGHT = 44;
const EDGE = 6;

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
    const line = Math.max((HEIGHT - 4) / model.n, 1);
    const high = Math.min(Math.max(line, 1), 6);
    const y = (i) => 2 + ((HEIGHT - 4 - high) * i) / Math.max(model.n - 1, 1);
    const box = (i, least) => {
      const x = (model.start[i] / model.whole) * width;
      context.fillRect(x, y(i), Math.max((model.dur[i] / model.whole) * width, least), Math.max(high - (high > 2 ? 1 : 0), 1));
    };
    // By type, so that the colour changes ten times and not 100,000.
    model.types.forEach((type, code) => {
      context.fillStyle = fill(type);
      for (let i = 0; i < model.n; i += 1) if (model.type[i] === code) box(i, 1);
    });
    context.fillStyle = token("error");
    const mark = model.errors.length > 40 ? 1.5 : 3; // many marks must not hide the rest
    for (const i of model.errors) context.fillRect((model.start[i] / model.whole) * width, y(i) - 1, mark, Math.max(high, mark));
    this.brush();
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
