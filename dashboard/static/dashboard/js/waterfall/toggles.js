// What can be switched on and off above the rows: critical path, grouped repetitions, running sums, squeezed idle times.

export class Toggles {
  constructor(waterfall) {
    this.waterfall = waterfall;
  }

  critical() {
    const { state, summary, view } = this.waterfall;
    state.critical = !state.critical;
    summary.press("critical", state.critical);
    view.refresh();
  }

  groups() {
    const { state, summary } = this.waterfall;
    const { model } = state;
    if (model.groups.length === 0) return;
    this.waterfall.keepingPlace(() => model.setGrouping(!model.grouping));
    summary.press("groups", model.grouping);
  }

  sums() {
    const { state, summary, view } = this.waterfall;
    state.sums = !state.sums;
    summary.press("sums", state.sums);
    document.getElementById("wf-h-tokens").textContent = state.sums ? "Tokens so far" : "Tokens";
    document.getElementById("wf-h-cost").textContent = state.sums ? "Cost so far" : "Cost";
    view.refill();
  }

  squeeze() {
    const { state, summary, time, minimap } = this.waterfall;
    const { model } = state;
    if (model.gaps.length === 0) return;
    time.keeping(() => model.setSqueezed(!model.isSqueezed));
    summary.press("squeeze", model.isSqueezed);
    this.waterfall.changed();
    minimap.redraw();
  }
}
