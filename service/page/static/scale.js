// Where ticks stand on axes. Pure.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  ...[5, 10, 15, 30].map((s) => s * 1000),
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE),
  ...[1, 2, 3, 6, 12].map((h) => h * HOUR),
  ...[1, 2, 5, 7, 14, 30, 90].map((d) => d * DAY),
];

/** Round values from 0 to at least `max`, about `wanted` of them. */
export function ticks(max, wanted, isWhole) {
  if (!(max > 0)) return isWhole ? [0, 1] : [0];
  const rough = max / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999) * power;
  if (isWhole) step = Math.max(1, Math.ceil(step));
  const found = [];
  for (let place = 0; ; place += 1) {
    found.push(place * step);
    if (place * step >= max * 0.999) return found;
  }
}

/** Moments between `from` and `to` that are round in local time, at most `most`; and their step. */
export function timeTicks(from, to, most) {
  const step = TIME_STEPS.find((one) => (to - from) / one <= most) ?? TIME_STEPS.at(-1);
  const offset = new Date(to).getTimezoneOffset() * MINUTE;
  const found = [];
  for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step) found.push(at);
  return { step, at: found };
}

export const isDay = (step) => step >= DAY;
