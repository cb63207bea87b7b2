// The columns of the trace as the server has them: with the chosen span and what was opened among the rows.

export class Columns {
  /** `chosen()` is the id of the span that must be among the rows, if there is one. */
  constructor(url, chosen) {
    this.url = url;
    this.chosen = chosen;
    this.opened = []; // what "+N hidden" rows were pressed
  }

  /** Null when they would be those of version `known`. Throws when they cannot be had. */
  async fetch(known = "") {
    const query = new URLSearchParams();
    const span = this.chosen();
    if (span) query.set("span", span);
    for (const under of this.opened) query.append("under", under);
    if (known) query.set("known", known);
    const answer = await fetch(`${this.url}${query.size ? `?${query}` : ""}`);
    if (answer.status === 204) return null;
    if (!answer.ok) throw new Error(`columns: ${answer.status}`);
    return answer.json();
  }

  /** With the spans that a row says are hidden; null while others are being opened. */
  async opening(under) {
    if (this.isOpening) return null;
    this.isOpening = true;
    this.opened.push(under);
    try {
      return await this.fetch();
    } catch (error) {
      this.opened.pop();
      throw error;
    } finally {
      this.isOpening = false;
    }
  }
}
