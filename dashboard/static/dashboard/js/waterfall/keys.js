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
    r: () => waterfall.toggleGroups(),
    t: () => waterfall.toggleSums(),
    i: () => waterfall.toggleSqueeze(),
    w: () => waterfall.zoomBy(0.6),
    s: () => waterfall.zoomBy(1 / 0.6),
    a: () => waterfall.panBy(-0.2),
    d: () => waterfall.panBy(0.2),
    0: () => waterfall.showWhole(),
    c: () => waterfall.toggleCritical(),
    Escape: () => waterfall.escape(),
  };
}

export function bind(waterfall, scroller) {
  const grid = gridKeys(waterfall);
  const page = pageKeys(waterfall);
  scroller.addEventListener("keydown", (event) => {
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
