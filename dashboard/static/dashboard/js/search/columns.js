// The chosen columns, kept in the address; and the downloads, which follow the search.

export function watchColumns(form, submit) {
  const boxes = [...document.querySelectorAll("[data-column]")];
  const usual = boxes.filter((box) => box.defaultChecked).map((box) => box.value);
  const set = (value) => {
    form.elements.columns.value = value;
    submit();
  };
  for (const box of boxes) {
    box.addEventListener("change", () => set(boxes.filter((one) => one.checked).map((one) => one.value).join(",")));
  }
  document.getElementById("usual-columns").addEventListener("click", () => {
    set("");
    for (const box of boxes) box.checked = usual.includes(box.value);
  });
}

export function watchExports(form) {
  const follow = () => {
    const now = new FormData(form);
    const query = new URLSearchParams();
    for (const name of ["q", "since", "until"]) if (now.get(name)) query.set(name, now.get(name));
    for (const link of document.querySelectorAll("[data-export]")) link.href = `${link.dataset.export}?${query}`;
  };
  document.addEventListener("htmx:afterSettle", follow);
  follow();
}
