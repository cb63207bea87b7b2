// Draws the figures that the server made: colours of the theme, times of the reader's zone, again when
// the theme or the width changes. Plotly itself comes from its own script, before this one.

const TOKEN = /^var\((--[\w-]+)\)$/;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const two = (number) => String(number).padStart(2, "0");

/** The time of the reader's zone as plotly wants it, which knows no zones. */
export function localTime(text) {
  const at = new Date(text);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** A copy of a figure in which tokens are colours and times are local. */
export function resolved(value, colour) {
  if (typeof value === "string") {
    const found = TOKEN.exec(value);
    if (found) return colour(found[1]);
    return UTC.test(value) ? localTime(value) : value;
  }
  if (Array.isArray(value)) return value.map((one) => resolved(one, colour));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, resolved(one, colour)]));
  }
  return value;
}

const CONFIG = { displayModeBar: false, displaylogo: false, showTips: false, responsive: false, doubleClick: false };

function draw(plot) {
  const source = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
  const style = getComputedStyle(document.documentElement);
  const figure = resolved(source, (name) => style.getPropertyValue(name).trim());
  const first = !plot.classList.contains("js-plotly-plot");
  figure.layout.autosize = true;
  // On a phone the names of the parts stand in two columns, or plotly would put them one below the other.
  if (plot.clientWidth < 420) {
    Object.assign((figure.layout.legend ??= {}), { entrywidthmode: "fraction", entrywidth: 0.5 });
    Object.assign((figure.layout.xaxis ??= {}), { nticks: 4 });
  }
  globalThis.Plotly.react(plot, figure.data, figure.layout, CONFIG);
  if (first) listen(plot);
}

function listen(plot) {
  plot.on("plotly_click", (event) => {
    const href = plot.layout.meta?.hrefs[event.points[0]?.pointNumber];
    if (href) location.assign(href);
  });
  let at = -1;
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const count = plot.data[0]?.x?.length ?? 0;
    if (event.key === "Enter") plot.closest(".chart").querySelector("details")?.toggleAttribute("open");
    else if (event.key === "Escape") globalThis.Plotly.Fx.unhover(plot);
    else if (step && count) {
      at = at < 0 ? (step > 0 ? 0 : count - 1) : Math.min(Math.max(at + step, 0), count - 1);
      globalThis.Plotly.Fx.hover(plot, plot.data.map((_, curveNumber) => ({ curveNumber, pointNumber: at })));
      const told = plot.data.map((one) => `${one.name} ${one.customdata[at]}`).join(", ");
      document.getElementById("said").textContent = `${plot.data[0].x[at]}: ${told}`;
    } else return;
    event.preventDefault();
  });
}

function start() {
  const plots = [...document.querySelectorAll("[data-figure]")];
  if (plots.length === 0 || !globalThis.Plotly) return;
  plots.forEach(draw);
  const again = () => plots.forEach(draw);
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => globalThis.Plotly.Plots.resize(target)));
  plots.forEach((plot) => sizes.observe(plot));
}

/** Draws what htmx brought in, with the script of plotly already there. */
function arrived(event) {
  const plots = [...event.target.querySelectorAll("[data-figure]:not(.js-plotly-plot)")];
  if (plots.length > 0 && globalThis.Plotly) plots.forEach(draw);
}

if (globalThis.document) {
  start();
  document.addEventListener("htmx:load", arrived);
}
