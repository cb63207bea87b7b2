// Keys of the waterfall (WAI-ARIA tree grid, and those of Jaeger and DevTools). One tab stop.

const PAGE = 20;

/** Keys that work while the grid has the focus. */
function gridKeys(waterfall) {
  const { state } = waterfall;
  const row = () => Math.max(state.model.rowOf(state.selected), 0);
  const step = (by) => waterfall.chooseRow(state.selected < 0 ? 0 : row() + by);
  return {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    PageDown: () => step(PAGE),
    PageUp: () => step(-PAGE),
    Home: () => waterfall.chooseRow(0),
    End: () => waterfall.chooseRow(state.model.count - 1),
    ArrowRight() {
      const { model, selected } = state;
      if (selected < 0) step(0);
      else if (model.hasChildren(selected) && model.collapsed[selected]) waterfall.fold(selected, false);
      else if (model.hasChildren(selected)) step(1);
    },
    ArrowLeft() {
      const { model, selected } = state;
      if (selected < 0) return;
      if (model.hasChildren(selected) && !model.collapsed[selected]) waterfall.fold(selected, true);
      else if (model.parentOf(selected) >= 0) waterfall.choose(model.parentOf(selected));
    },
    Enter: () => waterfall.open(state.selected),
    " ": () => waterfall.open(state.selected),
  };
}

/** Keys that work anywhere on the page but in fields. */
function pageKeys(waterfall) {
  return {
    e: () => waterfall.jumpToError(1),
    E: () => waterfall.jumpToError(-1),
    f: () => waterfall.jumpToFinding(1),
    F: () => waterfall.jumpToFinding(-1),
    "[": () => waterfall.foldLevel(),
    "]": () => waterfall.unfoldLevel(),
    "{": () => waterfall.foldAll(true),
    "}": () => waterfall.foldAll(false),
    r: () => waterfall.toggles.groups(),
    t: () => waterfall.toggles.sums(),
    i: () => waterfall.toggles.squeeze(),
    w: () => waterfall.time.zoomBy(0.6),
    s: () => waterfall.time.zoomBy(1 / 0.6),
    a: () => waterfall.time.panBy(-0.2),
    d: () => waterfall.time.panBy(0.2),
    0: () => waterfall.time.showWhole(),
    c: () => waterfall.toggles.critical(),
    Escape: () => waterfall.escape(),
  };
}

export function bindKeys(waterfall) {
  const grid = gridKeys(waterfall);
  const page = pageKeys(waterfall);
  waterfall.scroller.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in grid)) return;
    event.preventDefault();
    grid[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const typing = event.target.closest?.("input, textarea, select, dialog");
    if (typing || !(event.key in page) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    page[event.key]();
  });
}
