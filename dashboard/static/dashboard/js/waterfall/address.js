// The page's address: `span`, `t` (window in µs), `q` (filter), `tab`. Own entries, so that back and
// forward move within the page instead of loading it anew.

export function read() {
  const query = new URLSearchParams(location.search);
  return { span: query.get("span") ?? "", t: query.get("t") ?? "", q: query.get("q") ?? "", tab: query.get("tab") ?? "" };
}

/** Changes parts of the address; '' removes one. `push` makes an entry to go back to. */
export function write(changes, push = false) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  const wanted = location.pathname + (text ? `?${text}` : "");
  if (wanted === location.pathname + location.search) return;
  history[push ? "pushState" : "replaceState"]({ tracestore: true }, "", wanted);
}
