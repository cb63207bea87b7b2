// Figures as people read them. Says the same as dashboard/figures_as_text.py; tests/js/format_cases.json
// holds the two together.

export function significant(value, digits = 3) {
  const whole = String(Math.trunc(Math.abs(value))).length;
  return value.toFixed(Math.max(digits - whole, 0));
}

/** Nanoseconds as `850 µs`, `1.42 s`, `2 m 05 s`. */
export function duration(nanoseconds) {
  if (nanoseconds <= 0) return "0 ms";
  const seconds = nanoseconds / 1e9;
  if (seconds < 0.0009995) return `${Math.max(Math.round(nanoseconds / 1e3), 1)} µs`;
  if (seconds < 0.9995) return `${significant(seconds * 1e3)} ms`;
  if (seconds < 59.95) return `${significant(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86400)} d ${two(Math.floor((whole % 86400) / 3600))} h`;
}

export function tokens(count) {
  for (const [unit, size] of [["M", 1e6], ["k", 1e3]]) {
    if (count >= size * 0.99995 && count >= 1000) return `${significant(count / size)} ${unit}`;
  }
  return String(count);
}

/** Dollars with four significant digits; null is `unknown`, never `$0`. */
export function cost(dollars) {
  if (dollars === null) return "unknown";
  if (dollars === 0) return "$0";
  if (dollars >= 1000) return `$${exact(Math.round(dollars))}`;
  if (dollars >= 1) return `$${significant(dollars, 4)}`;
  let places = 4;
  while (places < 12 && dollars * 10 ** places < 999.5) places += 1;
  const text = dollars.toFixed(places).replace(/0+$/, "");
  return text === "0." ? "< $0.000000000001" : `$${text}`;
}

export function exact(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Seconds past as `42 s ago`; negative for clocks that run ahead. */
export function ago(seconds) {
  const whole = Math.round(seconds);
  const distance = Math.abs(whole);
  if (distance < 5) return "just now";
  const [unit, length] = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]].find(([, size]) => distance >= size);
  const text = `${Math.floor(distance / length)} ${unit}`;
  return whole > 0 ? `${text} ago` : `in ${text}`;
}
