// A small trace in the form of dashboard/waterfall.py: root > (a > (b, c), d error), and a second root e.
export const NAMES = ["root", "alpha", "beta", "gamma", "delta", "epsilon"];

export function columns(changes = {}) {
  return {
    n: 6,
    total: 6,
    version: "a",
    running: false,
    step: [0, 1, 1, 1, 1, 0],
    run: [0, 0, 0, 0, 0, 1],
    runs: ["ada", ""],
    groups: [],
    hidden: [[], [], []],
    cuts: [[], [], []],
    gaps: [[700, 900]],
    so_far: [[2], [0.01], [10], [5]],
    line: [[200], [0.01], [15]],
    findings: [],
    t0: "1790000000000000000",
    span: 1000,
    names: NAMES,
    labels: ["", "gpt-4o"],
    types: ["agent", "llm", "tool"],
    statuses: ["unset", "ok", "error"],
    name: [0, 1, 2, 3, 4, 5],
    label: [0, 0, 1, 0, 0, 0],
    type: [0, 0, 1, 2, 2, 0],
    status: [0, 0, 0, 2, 2, 0],
    parent: [-1, 0, 1, 1, 0, -1],
    depth: [0, 1, 2, 2, 1, 0],
    start: [0, 100, 100, 300, 500, 900],
    dur: [600, 300, 100, 400, 100, 100],
    self: [200, 100, 100, 400, 100, 100],
    tokens_in: [0, 0, 10, 0, 0, 0],
    tokens_out: [0, 0, 5, 0, 0, 0],
    cost: [null, null, 0.01, null, null, null],
    flags: [0, 0, 0, 4, 0, 0],
    id: ["1", "2", "3", "4", "5", "6"].map((digit) => digit.repeat(16)),
    critical: [[0, 3, 0, 5], [0, 300, 500, 900], [300, 500, 600, 1000]],
    ...changes,
  };
}

/** A generated trace of any size, as a pre-order with random depths. */
export function random(n, seed = 1) {
  let state = seed;
  const dice = (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  const parent = [-1];
  const depth = [0];
  for (let i = 1; i < n; i += 1) {
    let over = i - 1;
    for (let up = dice(4); up > 0 && parent[over] >= 0; up -= 1) over = parent[over];
    parent.push(over);
    depth.push(depth[over] + 1);
  }
  const numbers = (make) => Array.from({ length: n }, (_, i) => make(i));
  return {
    ...columns(),
    n,
    total: n,
    span: n * 10,
    step: numbers(() => 0),
    run: numbers(() => 0),
    gaps: [],
    so_far: [[], [], [], []],
    parent,
    depth,
    name: numbers(() => dice(6)),
    label: numbers(() => 0),
    type: numbers(() => dice(3)),
    status: numbers(() => (dice(20) === 0 ? 2 : 0)),
    start: numbers((i) => i * 10),
    dur: numbers(() => dice(500)),
    self: numbers(() => 0),
    tokens_in: numbers(() => 0),
    tokens_out: numbers(() => 0),
    cost: numbers(() => null),
    flags: numbers(() => 0),
    id: numbers((i) => i.toString(16).padStart(16, "0")),
    critical: [[], [], []],
  };
}
