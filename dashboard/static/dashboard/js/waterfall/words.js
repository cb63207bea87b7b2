// What a row's flags say; the same words as FLAG_WORDS in dashboard/waterfall_rows.py.
import { FLAGS } from "./model.js";

export const FLAG_WORDS = {
  orphan: "parent not received",
  cut: "parents form a ring",
  outlives: "ends after its parent",
  early: "starts before its parent: clocks differ",
  unpriced: "price unknown",
  unfinished: "ends before it starts",
  incomplete: "tokens incomplete: the sender dropped attributes",
};

/** The oddities of a row in words; a missing price is told in the cost column, a span not received by its name. */
export function oddities(flags) {
  return Object.entries(FLAGS)
    .filter(([name, bit]) => flags & bit && name !== "unpriced" && name !== "running")
    .map(([name]) => FLAG_WORDS[name])
    .join(", ");
}

/** The words for a step of a run, as waterfall_rows.py has them. */
export function stepWords(step, agent) {
  return agent ? `Step ${step} of ${agent}` : `Step ${step}`;
}
