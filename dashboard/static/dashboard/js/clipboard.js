// Copying, and saying that it was done.

/** A short word at the bottom of the page, read out by screen readers. */
export function say(words) {
  const said = document.getElementById("said");
  said.textContent = words;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (said.textContent = ""), 1600);
}

/** The clipboard interface exists only on https and localhost; elsewhere a selection does it. */
export async function copy(text) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else {
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    say("Copied");
  } catch {
    say("The browser did not allow copying");
  }
}

/** What a page has cut is copied whole, from the server. */
export async function copyFrom(address) {
  const answer = await fetch(address).catch(() => null);
  if (answer?.ok) await copy(await answer.text());
  else say("The server did not give it");
}
