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

/** The oddities of a row in words; a missing price is told in the cost column instead. */
export function oddities(flags) {
  return Object.entries(FLAGS)
    .filter(([name, bit]) => flags & bit && name !== "unpriced")
    .map(([name]) => FLAG_WORDS[name])
    .join(", ");
}
