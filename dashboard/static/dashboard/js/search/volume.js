// The bars of traces over time: a range is chosen by dragging, or by the arrow keys, Shift and Enter.

/** The buckets between two places, both included, in order. */
export function between(a, b, count) {
  const inside = (place) => Math.min(Math.max(place, 0), count - 1);
  return [inside(Math.min(a, b)), inside(Math.max(a, b))];
}

/** Nanoseconds as the API reads them; BigInt, since they do not fit a double. */
export function edge(first, width, bucket) {
  return new Date(Number((BigInt(first) + BigInt(width) * BigInt(bucket)) / 1000000n)).toISOString();
}

export function watchVolume(form, submit) {
  let from = -1;
  let to = -1;
  let dragging = false;

  const bars = () => document.getElementById("volume-bars");
  const counts = (name) => bars().dataset[name].split(" ").map(Number);
  const when = (iso) => new Date(iso).toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });

  function draw() {
    const traces = counts("traces");
    const errors = counts("errors");
    const [low, high] = between(from, to, traces.length);
    const brush = document.getElementById("volume-brush");
    brush.setAttribute("x", String(low * 10 - 1));
    brush.setAttribute("width", String((high - low + 1) * 10));
    const sum = (list) => list.slice(low, high + 1).reduce((sofar, one) => sofar + one, 0);
    const { first, width } = bars().dataset;
    const found = sum(traces);
    const range = `${when(edge(first, width, low))} – ${when(edge(first, width, high + 1))}`;
    const words = `${range}: ${found} ${found === 1 ? "trace" : "traces"}, ${sum(errors)} failed`;
    document.getElementById("volume-said").textContent = words;
    bars().setAttribute("aria-valuenow", String(to));
    bars().setAttribute("aria-valuetext", words);
  }

  function apply() {
    const { first, width } = bars().dataset;
    const [low, high] = between(from, to, counts("traces").length);
    form.querySelector("[data-range]")?.remove();
    const state = document.getElementById("state");
    for (const [name, bucket] of [["since", low], ["until", high + 1]]) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = edge(first, width, bucket);
      state.append(input);
    }
    for (const radio of document.querySelectorAll("#ranges input")) radio.checked = false;
    submit();
  }

  const place = (event) => {
    const box = bars().getBoundingClientRect();
    return Math.floor(((event.clientX - box.left) / box.width) * counts("traces").length);
  };

  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest?.("#volume-bars") || event.button !== 0) return;
    dragging = true;
    from = to = place(event);
    bars().setPointerCapture(event.pointerId);
    draw();
  });
  document.addEventListener("pointermove", (event) => {
    if (!dragging || !bars()) return;
    to = place(event);
    draw();
  });
  document.addEventListener("pointerup", () => {
    if (dragging && bars()) apply();
    dragging = false;
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.closest?.("#volume-bars")) return;
    const last = counts("traces").length - 1;
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (step !== undefined || event.key === "Home" || event.key === "End") {
      const start = to < 0 ? (step > 0 ? -1 : last + 1) : to;
      to = event.key === "Home" ? 0 : event.key === "End" ? last : Math.min(Math.max(start + step, 0), last);
      if (!event.shiftKey || from < 0) from = to;
      draw();
    } else if (event.key === "Enter" && to >= 0) apply();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("beside-loaded", (event) => {
    if (event.target.id !== "volume") return;
    from = to = -1;
    for (const time of event.target.querySelectorAll("[data-ns-at]")) time.textContent = when(edge(time.dataset.nsAt, 0, 0));
  });
}
