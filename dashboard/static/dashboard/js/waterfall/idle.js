// Marks the times in which nothing ran, under the rows.

export class Idle {
  /** `holder` lies under the rows; its only child is made to have the place of the time column. */
  constructor(holder, state) {
    this.state = state;
    this.line = document.createElement("div");
    holder.replaceChildren(this.line);
  }

  draw() {
    const { model, window } = this.state;
    const width = this.line.clientWidth;
    const [from, to] = window;
    const place = (time) => ((model.squeeze.toShown(time) - from) / (to - from)) * width;
    const marks = model.gaps.map(([start, end]) => [place(start), place(end)]);
    const shown = marks.filter(([left, right]) => right > 0 && left < width);
    this.line.replaceChildren(
      ...shown.map(([left, right]) => {
        const mark = document.createElement("i");
        const x = Math.max(left, -2);
        mark.style.transform = `translateX(${x}px)`;
        mark.style.width = `${Math.max(Math.min(right, width + 2) - x, 1)}px`;
        return mark;
      }),
    );
  }
}
