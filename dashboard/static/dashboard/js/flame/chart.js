// Draws the flame chart to a canvas of the size of what shows; scrolling and zooming draw it anew.
const FINE = 20;
const COARSE = 30;
const FONT = 11;
const FAINT = 0.22;

export class Chart {
  /** `state` holds `model`, `rows`, `window`, `selected`, `hovered` and `matches`; the chart only reads it. */
  constructor(scroller, canvas, spacer, state) {
    Object.assign(this, { scroller, canvas, spacer, state });
    this.line = matchMedia("(pointer: coarse)").matches ? COARSE : FINE;
    this.slowest = 0;
    scroller.addEventListener("scroll", () => this.ask(), { passive: true });
    new ResizeObserver(() => this.resize()).observe(scroller);
    const renew = () => {
      this.colours = null;
      this.ask();
    };
    new MutationObserver(renew).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renew);
    this.resize();
  }

  resize() {
    const scale = Math.min(devicePixelRatio || 1, 2);
    this.width = Math.max(this.scroller.clientWidth, 50);
    this.height = Math.max(this.scroller.clientHeight, 50);
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.spacer.style.height = `${Math.max(this.state.rows.count * this.line + 8, this.height)}px`;
    this.scale = scale;
    this.ask();
  }

  ask() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.draw();
    });
  }

  /** Colours come from the tokens, and are read once a theme. */
  palette() {
    if (this.colours) return this.colours;
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue(`--${name}`).trim();
    const types = this.state.model.types.map((type) => token(`type-${type}`) || token("type-other"));
    this.colours = { token, types, inks: types.map(inkOn), ground: token("ground"), error: token("error"), ink: token("ink") };
    return this.colours;
  }

  draw() {
    const began = performance.now();
    const { rows, window } = this.state;
    const { ground } = this.palette();
    const context = this.canvas.getContext("2d", { alpha: false });
    context.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    context.fillStyle = ground;
    context.fillRect(0, 0, this.width, this.height);
    context.font = `${FONT}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    const top = this.scroller.scrollTop;
    const first = Math.floor(top / this.line);
    const last = Math.min(Math.ceil((top + this.height) / this.line), rows.count);
    for (let row = first; row < last; row += 1) {
      const y = row * this.line - top;
      rows.each(row, window, this.width, (k, until, x, width) => this.bar(context, k, until, x, y, width));
    }
    this.flush(context);
    this.outline(context, this.state.hovered, 1, top);
    this.outline(context, this.state.selected, 2, top);
    this.slowest = Math.max(this.slowest, performance.now() - began);
  }

  /** One bar; pixels that lie side by side in one colour are painted as one, since each fill has its price. */
  bar(context, k, until, x, y, width) {
    const { model, rows, matches } = this.state;
    const { types, inks, error } = this.palette();
    const node = rows.order[k];
    const type = model.type[node];
    const high = this.line - 2;
    const isFaint = matches !== null && matches[until] === matches[k];
    const failed = rows.errors[until] > rows.errors[k];
    const colour = failed && width <= 1 ? error : types[type];
    const run = this.run;
    if (width <= 1 && run && run.colour === colour && run.isFaint === isFaint && run.y === y && run.x + run.width === x) {
      run.width += 1;
      return;
    }
    this.flush(context);
    if (width <= 1) {
      this.run = { x, y, width: 1, colour, isFaint };
      return;
    }
    context.globalAlpha = isFaint ? FAINT : 1;
    const shown = width > 3 ? width - 1 : width;
    context.fillStyle = colour;
    context.fillRect(x, y + 1, shown, high);
    if (failed) {
      context.fillStyle = error;
      context.fillRect(x, y + high - 2, shown, 3);
    }
    if (width > 26) {
      const name = model.names[model.name[node]] || "(no name)";
      const label = model.labels[model.label[node]];
      const text = `${failed ? "error: " : ""}${name}${label ? ` ${label}` : ""}`;
      const fits = Math.floor((width - 8) / (FONT * 0.54));
      context.fillStyle = inks[type];
      context.fillText(text.length > fits ? `${text.slice(0, Math.max(fits - 1, 1))}…` : text, x + 4, y + this.line / 2, width - 6);
    }
    context.globalAlpha = 1;
  }

  /** Paints the pixels that wait. */
  flush(context) {
    const { run } = this;
    if (!run) return;
    this.run = null;
    context.globalAlpha = run.isFaint ? FAINT : 1;
    context.fillStyle = run.colour;
    context.fillRect(run.x, run.y + 1, run.width, this.line - 2);
    context.globalAlpha = 1;
  }

  outline(context, node, thick, top) {
    if (node < 0) return;
    const { x, width } = this.place(node);
    const y = this.state.rows.row[node] * this.line - top;
    context.strokeStyle = this.palette().ink;
    context.lineWidth = thick;
    context.strokeRect(x - 1, y + 0.5, width + 1, this.line - 1);
  }

  /** A node's place along the time line, in pixels, clipped to what shows. */
  place(node) {
    const { model, window } = this.state;
    const scale = this.width / (window[1] - window[0]);
    const left = Math.min(Math.max((model.start[node] - window[0]) * scale, 1), this.width - 2);
    const right = Math.min((model.start[node] + model.dur[node] - window[0]) * scale, this.width - 1);
    return { x: left, width: Math.max(right - left, 2) };
  }

  timeAt(clientX) {
    const { window } = this.state;
    const box = this.canvas.getBoundingClientRect();
    return window[0] + ((clientX - box.left) / this.width) * (window[1] - window[0]);
  }

  nodeAt(event) {
    const { rows, window } = this.state;
    const box = this.canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top + this.scroller.scrollTop) / this.line);
    return rows.at(row, this.timeAt(event.clientX), ((window[1] - window[0]) / this.width) * 2);
  }

  scrollTo(node) {
    const y = this.state.rows.row[node] * this.line;
    const { scrollTop } = this.scroller;
    if (y < scrollTop + this.line) this.scroller.scrollTop = Math.max(y - 2 * this.line, 0);
    else if (y > scrollTop + this.height - 2 * this.line) this.scroller.scrollTop = y - this.height + 3 * this.line;
  }
}

/** Black or white, whichever reads better on a colour (WCAG relative luminance). */
export function inkOn(colour) {
  const match = /^#([0-9a-f]{6})$/i.exec(colour);
  if (!match) return "#000000";
  const [r, g, b] = [0, 2, 4].map((at) => {
    const value = parseInt(match[1].slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}
