// What detectors say of a row, beside it: while the pointer is on its mark, or while it is chosen by key.

export class Tip {
  /** `element` is the tip's own box; text only ever as text. */
  constructor(element) {
    this.element = element;
  }

  /** Shows findings ({title, explanation, severity}) below a box on the screen, inside the window. */
  show(findings, box) {
    const lines = findings.flatMap((found) => {
      const title = document.createElement("b");
      title.textContent = `${found.title} (${found.severity})`;
      const words = document.createElement("p");
      words.textContent = found.explanation;
      return [title, words];
    });
    this.element.replaceChildren(...lines);
    this.element.hidden = false;
    const own = this.element.getBoundingClientRect();
    const x = Math.max(Math.min(box.left, innerWidth - own.width - 8), 8);
    const below = box.bottom + 4 + own.height <= innerHeight;
    this.element.style.transform = `translate(${x}px, ${below ? box.bottom + 4 : Math.max(box.top - own.height - 4, 8)}px)`;
  }

  get isShown() {
    return !this.element.hidden;
  }

  hide() {
    this.element.hidden = true;
  }
}
