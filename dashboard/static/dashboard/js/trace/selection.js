// The chosen span of a view: drawer, address and marks in step, back and forward included. The waterfall
// has its own; the other views share this one.
import * as address from "../waterfall/address.js";
import { Drawer } from "../waterfall/drawer.js";

export class Selection {
  /** `base` is the trace's address; `onChange(spanId)` is told whatever is chosen, '' for nothing. */
  constructor(base, onChange = () => {}) {
    Object.assign(this, { onChange, span: address.read().span });
    this.drawer = new Drawer(document.getElementById("drawer"), base);
    this.drawer.tab = address.read().tab;
    this.place = placeOf(location.search);
    addEventListener("popstate", () => this.moved());
    document.addEventListener("click", (event) => this.click(event));
    document.addEventListener("keydown", (event) => {
      const busy = event.defaultPrevented || event.target.closest?.("input, textarea, select, dialog");
      if (event.key === "Escape" && !busy && this.drawer.isOpen) this.close();
    });
    document.addEventListener("htmx:afterSettle", () => this.mark());
    this.mark();
  }

  /** Opens a span's detail as a step one can go back from. */
  open(span, opener = null) {
    if (!span) return;
    this.opener = opener ?? this.opener;
    address.write({ span }, true);
    this.choose(span);
    this.drawer.open(span);
  }

  /** Chooses without opening; an open drawer follows a moment later, so that held keys do not flood the server. */
  follow(span) {
    this.choose(span);
    if (!this.drawer.isOpen) return;
    clearTimeout(this.following);
    this.following = setTimeout(() => {
      address.write({ span });
      this.drawer.open(span);
    }, 120);
  }

  close() {
    this.drawer.close();
    address.write({ span: "", tab: "" }, true);
    this.choose("");
    this.opener?.focus({ preventScroll: true });
  }

  choose(span) {
    this.span = span;
    this.mark();
    this.onChange(span);
  }

  mark() {
    for (const one of document.querySelectorAll("[data-of-span]")) {
      one.classList.toggle("is-chosen", one.dataset.ofSpan === this.span);
    }
  }

  /** Back or forward. Where more than the span differs the server draws the page. */
  moved() {
    if (placeOf(location.search) !== this.place) {
      location.reload();
      return;
    }
    const { span, tab } = address.read();
    this.drawer.tab = tab;
    this.choose(span);
    if (span) this.drawer.open(span, tab);
    else this.drawer.close();
  }

  click(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const tab = event.target.closest("#drawer [data-tab]");
    const link = event.target.closest("[data-go-span], a[data-span]");
    if (tab) {
      this.drawer.tab = tab.dataset.tab;
      address.write({ tab: this.drawer.tab });
      this.drawer.open(this.span);
    } else if (link) {
      const inDrawer = this.drawer.element.contains(link);
      this.open(link.dataset.goSpan ?? link.dataset.span, inDrawer ? null : link);
    } else if (event.target.closest('[data-action="close-drawer"]')) {
      this.close();
    } else return;
    event.preventDefault();
  }
}

/** What of an address the server has drawn into the page. */
function placeOf(search) {
  const query = new URLSearchParams(search);
  return ["view", "page", "from"].map((name) => query.get(name) ?? "").join("\n");
}
