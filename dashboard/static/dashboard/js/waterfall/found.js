// What detectors found, at the rows where they found it.
import { Tip } from "./tip.js";

export class Found {
  constructor(element, state) {
    this.tip = new Tip(element);
    this.state = state;
    this.coming = null; // what is about to be shown
  }

  /** Shows what was found at the chosen row, if anything was. */
  tell() {
    const { model, selected } = this.state;
    const found = model.foundAt.get(selected);
    const coming = found ? {} : null;
    this.coming = coming;
    if (!found) {
      this.tip.hide();
      return;
    }
    // After the row was drawn where it belongs, and after the scrolling that would send the tip away.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (this.coming !== coming) return; // another row, or Escape, came in between
        this.coming = null;
        const row = document.getElementById(`wf-row-${selected}`);
        if (row && this.state.selected === selected) this.tip.show(found, row.querySelector(".wf-found").getBoundingClientRect());
      }),
    );
  }

  hover(event) {
    const { model } = this.state;
    const mark = event.target.closest(".wf-found");
    const found = mark && model.foundAt.get(model.nodeOf(mark.closest(".wf-row").dataset.spanId));
    if (found) this.tip.show(found, mark.getBoundingClientRect());
    else this.tip.hide();
  }

  hide() {
    this.tip.hide();
  }

  /** Takes away what is shown or is about to be; whether there was something. */
  dismiss() {
    const there = this.tip.isShown || this.coming !== null;
    this.coming = null;
    this.tip.hide();
    return there;
  }
}
