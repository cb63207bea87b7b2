// Copies of the rows around the first row that shows, over the top of the list, so that it is always seen
// what a row is part of. Copies only: the tree grid itself has each row once, and these are hidden from it.
import { MOST_ABOVE, ancestorsAbove } from "./layout.js";

export class Sticky {
  /** `makeRow` makes a row's elements; `drawRow` fills them, as the view does with its own. */
  constructor(holder, state, makeRow, drawRow) {
    Object.assign(this, { holder, state, drawRow });
    this.rows = Array.from({ length: MOST_ABOVE }, () => makeRow(holder));
    this.nodes = [];
  }

  /** The node of the copy that an element is part of, or -1. */
  nodeAt(element) {
    const place = this.rows.findIndex((slot) => slot.row.contains(element));
    return place < 0 ? -1 : (this.nodes[place] ?? -1);
  }

  draw(scrollTop, version) {
    this.nodes = ancestorsAbove(this.state.model, scrollTop);
    this.rows.forEach((slot, place) => {
      const node = this.nodes[place];
      slot.row.hidden = node === undefined;
      if (node === undefined || (slot.node === node && slot.drawn === version)) return;
      this.drawRow(slot, node, place);
      for (const name of ["id", "data-span-id", "aria-selected"]) slot.row.removeAttribute(name);
      slot.link.removeAttribute("href"); // what is hidden from readers must not take the focus
    });
  }
}
