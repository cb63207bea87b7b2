// Follows a running trace: asks every two seconds whether there is more, while somebody looks.

const EVERY_MS = 2000;
/** A giant's columns take long to make: asking may take a tenth of the time at most. */
const REST = 9;

export class Live {
  /** `ask()` fetches what is new, shows it, and answers whether the trace still runs. */
  constructor(ask) {
    this.ask = ask;
    this.isOn = false;
    document.addEventListener("visibilitychange", () => {
      if (this.isOn && !document.hidden && this.timer === undefined) this.turn();
    });
  }

  start() {
    if (this.isOn) return;
    this.isOn = true;
    this.wait(EVERY_MS);
  }

  wait(delay) {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (!document.hidden) this.turn(); // else the return of the reader asks
    }, delay);
  }

  async turn() {
    const began = performance.now();
    try {
      this.isOn = await this.ask();
    } catch {
      // The server does not answer; the next turn may find it again.
    }
    if (this.isOn) this.wait(Math.max(EVERY_MS, (performance.now() - began) * REST));
  }
}
