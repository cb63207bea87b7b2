// The drawer at the right: its content comes from the server by htmx, one request at a time.

export class Drawer {
  constructor(element, base) {
    Object.assign(this, { element, base });
    this.tab = "";
  }

  get isOpen() {
    return !this.element.hidden;
  }

  /** Shows a span. A server-rendered drawer of the same span is left as it is. */
  open(spanId, tab = this.tab) {
    this.element.hidden = false;
    const inner = this.element.firstElementChild;
    if (inner?.dataset?.drawerSpan === spanId && (!tab || inner.dataset.drawerTab === tab)) return;
    const query = tab ? `?tab=${encodeURIComponent(tab)}` : "";
    globalThis.htmx.ajax("GET", `${this.base}spans/${encodeURIComponent(spanId)}/${query}`, {
      source: this.element,
      target: this.element,
      swap: "innerHTML",
    });
  }

  close() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }
}
