// What the answer cache did: in the time, by the ledger; since its start, by this replica.

import { Refusal } from "../api.js";
import { laid, slots, stepWords } from "../asking.js";
import { timeChart } from "../chart.js";
import { badge, card, h, share, tiles, usd } from "../elements.js";
import { axis, bytes, count, duration, int, moment, percent, ratio, seconds, time } from "../figures.js";
import { shared } from "./words.js";

let seesAll = true;

export const cache = {
  title: "Cache",
  async draw(context) {
    const { startTime, stepS, ask, now } = context;
    const [told, stats] = await Promise.all([
      ask("QueryUsage", { startTime, step: `${stepS}s` }),
      statistics(ask),
    ]);
    const times = slots(moment(startTime), now, stepS);
    return { until: moment(told.dataUntilTime), nodes: [
      figures(told.total.cache, stats), chart(laid(told.buckets, times), times, stepS), h("div", { class: "grid thirds" }, memory(stats), redis(stats), counts(stats)),
    ] };
  },
};

/** Of all tenants, or where that is not allowed of the caller's own. */
async function statistics(ask) {
  if (!seesAll) return ask("GetCacheStats", {});
  try {
    return await ask("GetCacheStats", { allTenants: true });
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 403) throw error;
    seesAll = false;
    return ask("GetCacheStats", {});
  }
}

function figures(found, stats) {
  const served = int(found.localHits) + int(found.sharedHits) + int(found.coalesced) + int(found.repeated);
  const asked = served + int(found.misses);
  return tiles(
    { key: "served", label: "Answered without a new call", value: percent(ratio(served, asked)), note: `${count(served)} of ${count(asked)} that might have been` },
    { key: "local", label: "From memory", value: count(int(found.localHits)), note: "in this time" },
    { key: "shared", label: "From the shared cache", value: count(int(found.sharedHits)), note: "in this time" },
    { key: "joined", label: "Joined an equal request", value: count(int(found.coalesced)), note: `${count(int(found.repeated))} repeats by key` },
    { key: "saved", label: "Saved by this replica", value: usd(int(stats.savedNanoUsd)), note: `since ${time.full(moment(stats.sinceTime))}` },
  );
}

function chart(found, times, stepS) {
  const each = (name) => found.map((bucket) => Number(bucket?.cache?.[name] ?? 0));
  return timeChart({
    id: "cache", title: "Requests", note: `by what the cache had to do with them, per ${stepWords(stepS)}`, kind: "bars", axis: axis.count, isWhole: true, exact: (value) => count(value ?? 0),
    data: { times, stepS, series: [
      { name: "memory", color: "c3", values: each("localHits") },
      { name: "shared cache", color: "c1", values: each("sharedHits") },
      { name: "joined", color: "c5", values: each("coalesced") },
      { name: "repeated", color: "c4", values: each("repeated") },
      { name: "not found", color: "c2", values: each("misses") },
      { name: "asked anew", color: "c6", values: each("refreshed") },
      { name: "not asked", color: "c0", values: each("bypassed") },
    ].filter((one) => one.values.some((value) => value) || one.color === "c3" || one.color === "c2") },
  }).node;
}

function facts(title, note, ...rows) {
  return card(title, note, h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
}

function memory(stats) {
  const used = ratio(stats.localBytes, int(stats.localBytesMax));
  return facts("Memory", "of this replica",
    ["Used", share(used, `${bytes(stats.localBytes)} of ${bytes(stats.localBytesMax)}`)],
    ["Answers", count(int(stats.localEntries))],
    ["Stored", count(int(stats.localStores))],
    ["Had to make room", count(int(stats.localEvictions))],
    ["Mean age when taken", duration(seconds(stats.meanHitAge) || null)]);
}

function redis(stats) {
  return facts("Shared cache", "Redis",
    ["State", badge(...shared(stats.sharedState))],
    ["Last problem", stats.sharedProblem || "none"],
    ["Lookups that failed or were late", count(int(stats.sharedFailures))],
    ["Lookups left out meanwhile", count(int(stats.sharedSkips))],
    ["Answers that were not stored", count(int(stats.sharedLostStores))]);
}

function counts(stats) {
  return facts("This replica", `since ${time.full(moment(stats.sinceTime))}${seesAll ? "" : ", your tenant"}`,
    ["Hits", count(int(stats.localHits) + int(stats.sharedHits))],
    ["Not found", count(int(stats.misses))],
    ["Refreshed before their time", count(int(stats.earlyRefreshes))],
    ["Refused as equal ones just were", count(int(stats.knownFailures))],
    [`Providers were spared`, duration(seconds(stats.savedDuration) ?? 0)]);
}

