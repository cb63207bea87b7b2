// Times in the reader's zone: those told on the page, and those typed for a time range.

const two = (number) => String(number).padStart(2, "0");
const day = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}`;

for (const time of document.querySelectorAll("time[data-local]")) {
  const at = new Date(time.dateTime);
  time.title = at.toISOString().replace("T", " ").replace(/\.000Z|Z/, " UTC");
  time.textContent = `${day(at)} ${clock(at)}`;
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const form of document.querySelectorAll("[data-range-custom]")) {
  form.querySelector("[data-zone]").textContent = `Times of your zone, ${zone}.`;
  // What the server wrote is UTC; a field of this type shows it as local time, so it is shifted once.
  const fields = [...form.querySelectorAll("input[type=datetime-local]")];
  for (const field of fields) {
    const at = new Date(`${field.value}Z`);
    field.value = `${day(at)}T${clock(at)}:${two(at.getSeconds())}`;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = new URLSearchParams(new FormData(form));
    for (const field of fields) wanted.set(field.name, new Date(field.value).toISOString().replace(".000Z", "Z"));
    location.assign(`${form.getAttribute("action")}?${wanted}`);
  });
}

// An open choice of times closes when the reader goes elsewhere.
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.range-custom[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details.range-custom[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
