// Numbers as people read them. Money is counted in whole nano-USD, as BigInt: it is never rounded.

const LOCALE = "en-GB";
const NANO = 1_000_000_000n;
const whole = new Intl.NumberFormat(LOCALE);
const short = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumSignificantDigits: 3 });
const NOTHING = "–";

/** int64 comes as text. Missing is 0. */
export const int = (text) => BigInt(text ?? 0);

/** Seconds of a Duration such as `0.25s`; null where there is none. */
export const seconds = (text) => (text ? Number.parseFloat(text) : null);

/** Milliseconds since 1970 of a Timestamp. */
export const moment = (text) => Date.parse(text);

export const count = (value) => whole.format(value);

export const ratio = (part, all) => (all ? Number(part) / Number(all) : 0);

export function percent(value) {
  const share = 100 * value;
  if (share === 0) return "0 %";
  if (share < 0.01) return "< 0.01 %";
  // What is not all is never shown as all.
  if (share < 100 && share > 99.9) return `${(Math.floor(share * 100) / 100).toFixed(2)} %`;
  return `${share.toFixed(share < 0.1 ? 2 : share < 99.95 ? 1 : 0)} %`;
}

/** Exact: all digits that are there, and at least `least` decimals. */
export function money(nano, least = 2) {
  const sign = nano < 0n ? "−" : "";
  const value = nano < 0n ? -nano : nano;
  const rest = (value % NANO).toString().padStart(9, "0");
  return `${sign}$${whole.format(value / NANO)}.${rest.slice(0, Math.max(decimals(nano), least))}`;
}

/** How many decimals an amount has, at least two. */
export function decimals(nano) {
  const rest = (nano < 0n ? -nano : nano) % NANO;
  return Math.max(2, rest.toString().padStart(9, "0").replace(/0+$/, "").length);
}

export function duration(value) {
  if (value === null || value === undefined) return NOTHING;
  if (value === 0) return "0 ms";
  if (value < 0.001) return `${trimmed(value * 1e6)} µs`;
  if (value < 0.9995) return `${trimmed(value * 1e3)} ms`;
  if (value < 120) return `${trimmed(value)} s`;
  if (value < 7200) return `${trimmed(value / 60)} min`;
  if (value < 172_800) return `${trimmed(value / 3600)} h`;
  return `${trimmed(value / 86_400)} d`;
}

/** How many of `what` in a unit of time in which there are some. */
export function rate(perSecond, what = "") {
  if (perSecond === 0) return `0 ${what}/s`;
  if (perSecond >= 0.5) return `${trimmed(perSecond)} ${what}/s`;
  if (perSecond >= 0.5 / 60) return `${trimmed(perSecond * 60)} ${what}/min`;
  return `${trimmed(perSecond * 3600)} ${what}/h`;
}

/** A mean of things that are counted. */
export const mean = (value) => (value === 0 ? "0" : value < 0.01 ? "< 0.01" : value < 10 ? value.toFixed(2) : trimmed(value));

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let place = 0;
  let rest = Number(value);
  for (; rest >= 1024 && place < units.length - 1; place += 1) rest /= 1024;
  return `${trimmed(rest)} ${units[place]}`;
}

/** Of ticks, `step` apart: as many digits as tell them apart. */
export const axis = {
  count: (value) => short.format(value),
  seconds: (value) => (value === 0 ? "0" : duration(value)),
  dollars: (value, step) => (value === 0 ? "$0" : step >= 1000 ? `$${short.format(value)}` : `$${value.toFixed(digits(step))}`),
};

function digits(step) {
  let found = 0;
  while (found < 9 && Math.abs(step * 10 ** found - Math.round(step * 10 ** found)) > 1e-6) found += 1;
  return found;
}

/** For drawing alone. */
export const dollars = (nano) => Number(nano) / 1e9;

const hourMinute = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });
export const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

export const time = {
  minute: (ms) => hourMinute.format(ms),
  second: (ms) => clock.format(ms),
  day: (ms) => day.format(ms),
  full: (ms) => `${day.format(ms)}, ${hourMinute.format(ms)}`,
};

/** How long ago, in words. */
export function ago(ms, nowMs) {
  const past = Math.max(0, (nowMs - ms) / 1000);
  return past < 60 ? "just now" : `${duration(Math.floor(past / 60) * 60)} ago`;
}

function trimmed(value) {
  return value >= 100 ? whole.format(Math.round(value)) : Number(value.toPrecision(3)).toString();
}
