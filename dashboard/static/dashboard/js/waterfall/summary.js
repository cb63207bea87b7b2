// What the bar above the rows says of all of them: numbers of spans, errors and findings, and which buttons are of use.

const byId = (id) => document.getElementById(id);
const words = (number) => number.toLocaleString("en");
const counted = (number, one) => (number === 1 ? `1 ${one}` : `${words(number)} ${one}s`);

export class Summary {
  constructor(root, state) {
    this.root = root;
    this.state = state;
  }

  button(name) {
    return this.root.querySelector(`[data-wf="${name}"]`);
  }

  press(name, on) {
    this.button(name).setAttribute("aria-pressed", String(on));
  }

  say(text) {
    byId("wf-count").textContent = text;
  }

  /** Everything outside the rows that depends on the model. */
  tell() {
    const { model } = this.state;
    const errors = model.errors.length;
    byId("wf-errors").textContent = counted(errors, "error");
    for (const button of this.root.querySelectorAll('[data-wf$="error"]')) button.disabled = errors === 0;
    const findings = model.findings.length;
    byId("wf-found").textContent = counted(findings, "finding");
    this.root.querySelector("[data-wf-findings]").hidden = findings === 0;
    this.button("next-finding").disabled = model.found.length === 0;
    this.button("groups").hidden = model.groups.length === 0;
    this.button("squeeze").hidden = model.gaps.length === 0;
    this.root.classList.toggle("is-growing", model.isRunning);
    this.count();
  }

  count() {
    const { model } = this.state;
    const isPart = model.spans < model.total;
    const all = isPart ? `${words(model.spans)} of ${counted(model.total, "span")}` : counted(model.total, "span");
    const of = isPart ? `${words(model.spans)} shown` : words(model.total);
    this.say(model.kept === null ? all : `${words(model.matches)} of ${of}`);
  }
}
