// How each provider does now, and what it was asked in the time.

import { all, colorOf, groupName, grouped, laid, slots, stepWords } from "../asking.js";
import { timeChart } from "../chart.js";
import { badge, card, empty, h, share, usdColumn } from "../elements.js";
import { ago, axis, count, duration, int, moment, percent, ratio, seconds } from "../figures.js";
import { table } from "../table.js";
import { circuit, plain, status } from "./words.js";

const BY = ["USAGE_DIMENSION_PROVIDER"];

export const providers = {
  title: "Providers",
  async draw(context) {
    const { startTime, stepS, ask } = context;
    const [told, costs, errors, over] = await Promise.all([
      ask("GetOverview", { startTime, top: 1, points: 1 }),
      all(ask, "QueryCosts", { startTime, groupBy: BY }),
      all(ask, "QueryErrors", { startTime, groupBy: BY }),
      all(ask, "QueryCosts", { startTime, groupBy: BY, step: `${stepS}s`, orderBy: "ANALYTICS_ORDER_COST", limit: 6 }),
    ]);
    const times = slots(moment(told.startTime), moment(told.endTime), stepS);
    return { until: moment(costs.dataUntilTime), nodes: [now(told.health, context.now), asked(over, times, stepS), sums(costs, errors)] };
  },
};

function now(health, nowMs) {
  if (!health.length) return empty("No provider is configured", "A key in the environment is enough: see docs/configuration.md.");
  return card("Now", "live traffic on this replica, fading with time", table({
    id: "now", caption: "Providers now", sort: 0,
    rows: health,
    columns: [
      { name: "Provider", text: true, of: (one) => one.provider, cell: (one) => one.provider },
      { name: "Status", text: true, of: (one) => one.status, cell: (one) => badge(...status(one.status)) },
      { name: "Circuit", text: true, of: (one) => one.circuit, cell: (one) => badge(...circuit(one.circuit)) },
      { name: "Succeed", of: (one) => one.successRatio, cell: (one) => (one.windowRequests === "0" ? "–" : percent(one.successRatio)) },
      { name: "Half within", of: (one) => seconds(one.latencyP50), cell: (one) => duration(seconds(one.latencyP50)) },
      { name: "95 of 100", of: (one) => seconds(one.latencyP95), cell: (one) => duration(seconds(one.latencyP95)) },
      { name: "First token", of: (one) => seconds(one.timeToFirstTokenP50), cell: (one) => duration(seconds(one.timeToFirstTokenP50)) },
      { name: "In flight", of: (one) => Number(one.inFlight), cell: (one) => (one.concurrencyLimit === "0" ? count(int(one.inFlight)) : `${count(int(one.inFlight))} of ${count(int(one.concurrencyLimit))}`) },
      { name: "Last failure", text: true, of: (one) => one.lastErrorTime ?? "", cell: (one) => failure(one, nowMs) },
    ],
  }));
}

function failure(one, nowMs) {
  if (!one.lastErrorReason) return h("span", { class: "quiet" }, "none");
  return [plain(one.lastErrorReason), h("span", { class: "quiet" }, ` ${ago(moment(one.lastErrorTime), nowMs)}`)];
}

function asked(over, times, stepS) {
  const groups = [...grouped(over.buckets.filter((bucket) => bucket.attempts !== "0"), "provider")];
  return timeChart({
    id: "asked", title: "Attempts", note: `by provider, per ${stepWords(stepS)}`, kind: "bars", axis: axis.count, isWhole: true,
    exact: (value) => count(value ?? 0),
    data: { times, stepS, series: groups.map(([name, buckets], place) => ({
      name: groupName(name), color: colorOf(name, place),
      values: laid(buckets, times).map((bucket) => Number(bucket?.attempts ?? 0)),
    })) },
  }).node;
}

function sums(costs, errors) {
  const failed = new Map(errors.buckets.map((bucket) => [bucket.dimensions.provider, bucket]));
  const whole = int(costs.total.attempts);
  const rows = costs.buckets.filter((bucket) => bucket.attempts !== "0");
  const faults = (bucket) => failed.get(bucket.dimensions.provider)?.failedAttempts ?? "0";
  const cost = (bucket) => int(bucket.cost.totalNanoUsd);
  const shown = usdColumn(rows.map(cost));
  const why = (bucket) => failed.get(bucket.dimensions.provider)?.attemptReasons[0];
  return card("In this time", "an attempt is one call to a provider", table({
    id: "sums", caption: "Attempts by provider",
    rows,
    columns: [
      { name: "Provider", text: true, of: (bucket) => bucket.dimensions.provider, cell: (bucket) => groupName(bucket.dimensions.provider) },
      { name: "Attempts", of: (bucket) => Number(bucket.attempts), cell: (bucket) => count(int(bucket.attempts)) },
      { name: "Share", of: (bucket) => Number(bucket.attempts), cell: (bucket) => share(ratio(bucket.attempts, whole), percent(ratio(bucket.attempts, whole))) },
      { name: "Failed", of: (bucket) => ratio(faults(bucket), int(bucket.attempts)), cell: (bucket) => percent(ratio(faults(bucket), int(bucket.attempts))) },
      { name: "Mostly", text: true, of: (bucket) => why(bucket)?.reason ?? "", cell: (bucket) => (why(bucket) ? plain(why(bucket).reason) : "–") },
      { name: "Cost", of: cost, cell: (bucket) => (bucket.cost.unpriced ? "unknown" : shown(cost(bucket))) },
    ],
  }));
}
