// The live tail: new traces come in on top. It waits while one reads further down or looks elsewhere.

import { asked } from "./asked.js";

const EVERY = 3000;
const MOST_ROWS = 500;
/** Further down than this one is reading, and rows that came in on top would move the text. */
const READING = 40;

export function watchTail(form) {
  const button = document.getElementById("tail");
  const state = document.getElementById("tail-state");
  const main = document.getElementById("main");
  let timer = 0;

  const on = () => button.getAttribute("aria-pressed") === "true";
  const table = () => document.querySelector(".traces");

  async function look() {
    const body = table()?.tBodies[0];
    if (!body || document.hidden) return;
    if (table().dataset.order !== "time") {
      state.textContent = "waits: sorted by something else than the newest time";
      return;
    }
    if (main.scrollTop > READING) {
      state.textContent = "waits while you read; scroll up to go on";
      return;
    }
    const newest = body.querySelector("td[data-ns]")?.dataset.ns;
    if (!newest) {
      state.textContent = "waits: needs the column Time";
      return;
    }
    const query = asked(form);
    query.set("after", newest);
    const response = await fetch(`${button.dataset.tail}?${query}`);
    if (!response.ok || response.redirected || !on()) return;
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    const rows = [...holder.content.querySelectorAll("tr[data-trace]")];
    state.textContent = "on";
    if (rows.length === 0 || main.scrollTop > READING) return;
    body.prepend(...rows);
    for (const row of [...body.querySelectorAll("tr[data-trace]")].slice(MOST_ROWS)) row.remove();
    document.dispatchEvent(new CustomEvent("rows-changed"));
  }

  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!on()));
    clearInterval(timer);
    state.textContent = "";
    if (!on()) return;
    timer = setInterval(() => look().catch(() => (state.textContent = "the server does not answer")), EVERY);
    look().catch(() => {});
  });
}
