/** What the form asks for, without what it leaves open: as the address of the list has it. */
export function asked(form) {
  return new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
}
