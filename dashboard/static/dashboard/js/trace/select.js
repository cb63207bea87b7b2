// Views that are all HTML (graph, conversation, table): their links to spans open the drawer.
import { Selection } from "./selection.js";

const root = document.querySelector("[data-trace-base]");
if (root) {
  new Selection(root.dataset.traceBase);
  document.querySelector(".is-chosen[data-of-span]")?.scrollIntoView({ block: "center" });
}
