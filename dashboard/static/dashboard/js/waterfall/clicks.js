// Clicks on rows, on the findings above them and in the drawer. With a modifier a link stays a link.

const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey);

function onRow(waterfall, event) {
  const row = event.target.closest(".wf-row");
  if (!row || !isPlain(event) || event.button !== 0) return;
  event.preventDefault();
  const above = waterfall.view.sticky.nodeAt(row);
  if (above >= 0) {
    waterfall.jumpTo(above);
    return;
  }
  const { model } = waterfall.state;
  const node = model.nodeOf(row.dataset.spanId);
  if (event.target.closest(".wf-twisty") && model.hasChildren(node)) {
    waterfall.fold(node, model.collapsed[node] === 0);
    return;
  }
  waterfall.open(node);
  waterfall.scroller.focus({ preventScroll: true });
}

function onFinding(waterfall, event) {
  const link = event.target.closest("[data-finding]");
  const node = link ? (waterfall.state.model.findings[link.dataset.finding]?.rows[0] ?? -1) : -1;
  if (node < 0 || !isPlain(event)) return;
  event.preventDefault();
  link.closest("details").open = false;
  waterfall.jumpTo(node);
  waterfall.found.tell();
}

function inDrawer(waterfall, event) {
  if (!isPlain(event)) return;
  const { model, selected } = waterfall.state;
  const tab = event.target.closest("[data-tab]");
  const other = event.target.closest("[data-go-span]");
  const node = other ? model.nodeOf(other.dataset.goSpan) : -1;
  if (tab) {
    event.preventDefault();
    waterfall.showTab(tab.dataset.tab, model.ids[selected]);
  } else if (node >= 0) {
    event.preventDefault();
    waterfall.open(node);
  } else if (event.target.closest('[data-action="close-drawer"]')) {
    event.preventDefault();
    waterfall.escape();
  }
}

export function bindClicks(waterfall) {
  waterfall.scroller.addEventListener("click", (event) => onRow(waterfall, event));
  waterfall.drawer.element.addEventListener("click", (event) => inDrawer(waterfall, event));
  document.addEventListener("click", (event) => onFinding(waterfall, event));
}
