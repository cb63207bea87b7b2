// Blocking and first, so that a dark page never flashes light. A file, since inline script is forbidden.
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be forbidden; then the system's wish holds.
  }
  document.documentElement.classList.add("has-script");
})();
