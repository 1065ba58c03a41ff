// What views ask for in common: the time that is shown, its steps, and buckets laid onto them.

import { moment } from "./figures.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `stepS` is a multiple of a minute of which a few dozen make the whole. */
export const RANGES = {
  "15m": { label: "15 min", words: "15 minutes", spanS: 15 * MINUTE, stepS: MINUTE },
  "1h": { label: "1 h", words: "hour", spanS: HOUR, stepS: MINUTE },
  "24h": { label: "24 h", words: "24 hours", spanS: DAY, stepS: 30 * MINUTE },
  "7d": { label: "7 d", words: "7 days", spanS: 7 * DAY, stepS: 3 * HOUR },
  "30d": { label: "30 d", words: "30 days", spanS: 30 * DAY, stepS: 12 * HOUR },
};

/** The words for a step. */
export function stepWords(stepS) {
  if (stepS % DAY === 0) return stepS === DAY ? "day" : `${stepS / DAY} days`;
  if (stepS % HOUR === 0) return stepS === HOUR ? "hour" : `${stepS / HOUR} hours`;
  return stepS === MINUTE ? "minute" : `${stepS / MINUTE} minutes`;
}

/** Where every step begins, in ms: those of the service stand on multiples of the step. */
export function slots(fromMs, toMs, stepS) {
  const step = stepS * 1000;
  const found = [];
  for (let at = Math.floor(fromMs / step) * step; at < toMs; at += step) found.push(at);
  return found;
}

/** For each slot its bucket, or undefined: of a step in which there was nothing nothing is told. */
export function laid(buckets, times) {
  const found = new Map(buckets.map((bucket) => [moment(bucket.startTime), bucket]));
  return times.map((at) => found.get(at));
}

/** All buckets of a query, page by page. */
export async function all(ask, method, query) {
  const buckets = [];
  let pageToken = "";
  for (;;) {
    const page = await ask(method, { query: { ...query, pageSize: 2000, pageToken } });
    buckets.push(...page.buckets);
    pageToken = page.nextPageToken;
    if (!pageToken) return { ...page, buckets };
  }
}

/** Groups in the order in which they come, each with its buckets. */
export function grouped(buckets, name) {
  const found = new Map();
  for (const bucket of buckets) {
    const value = bucket.dimensions[name] ?? "";
    if (!found.has(value)) found.set(value, []);
    found.get(value).push(bucket);
  }
  return found;
}

/** Colours for groups: the rest is grey. */
export const colorOf = (name, place) => (name === "(other)" ? "c0" : `c${(place % 6) + 1}`);

export const groupName = (name) => name || "none";
