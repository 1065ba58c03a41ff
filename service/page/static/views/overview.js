// What a person looks at first: how much, how well, how fast, for how much.

import { laid, slots, stepWords } from "../asking.js";
import { timeChart } from "../chart.js";
import { badge, card, empty, grid, share, tiles, usd, usdColumn } from "../elements.js";
import { axis, count, dollars, duration, int, moment, money, percent, ratio, seconds } from "../figures.js";
import { table } from "../table.js";
import { strip } from "./alerts.js";
import { circuit, status } from "./words.js";

export const overview = {
  title: "Overview",
  async draw(context) {
    const told = await context.ask("GetOverview", { startTime: context.startTime, top: 6, points: 60 });
    const until = moment(told.dataUntilTime);
    const firing = [strip(told, context.now)].filter(Boolean);
    if (told.usage.requests === "0" && told.usage.attempts === "0") {
      return { until, nodes: [...firing, empty("No requests in this time", "Figures appear here within seconds of the first one."), health(told)] };
    }
    return { until, nodes: [...firing, figures(told), charts(told), grid(top(told, "Model", told.topModels, "model"), top(told, "Tenant", told.topTenants, "tenant")), health(told)] };
  },
};

function figures({ usage, previousUsage, errors, performance, costs }) {
  const before = previousUsage;
  const failing = ratio(usage.errors, int(usage.requests));
  const total = int(costs.cost.totalNanoUsd);
  return tiles(
    { key: "requests", label: "Requests", value: count(int(usage.requests)), note: change(Number(usage.requests), Number(before.requests)) },
    { key: "errors", label: "Failed", value: percent(failing), note: `${count(int(usage.errors))} requests`, tone: failing > 0.05 ? "bad" : null },
    { key: "p95", label: "95 of 100 within", value: duration(seconds(performance.totalDuration.p95)), note: `half within ${duration(seconds(performance.totalDuration.p50))}` },
    { key: "cost", label: "Cost", value: costs.cost.unpriced && costs.attempts !== "0" ? "unknown" : usd(total), note: unpriced(costs) ?? change(dollars(total), dollars(int(before.cost.totalNanoUsd))) },
    { key: "saved", label: "Saved", value: usd(saved(costs.savings)), note: `from the cache: ${count(int(usage.cacheHits))}` },
    { key: "recovered", label: "Failovers that helped", value: errors.failoverSuccessRatio === undefined ? "–" : percent(errors.failoverSuccessRatio), note: `${count(int(errors.recovered))} of ${count(int(errors.failovers))}` },
  );
}

export const saved = (savings) => int(savings.cacheNanoUsd) + int(savings.coalescingNanoUsd) + int(savings.repeatsNanoUsd);

const unpriced = (bucket) => (bucket.unpricedAttempts === "0" ? null : `without ${count(int(bucket.unpricedAttempts))} attempts of unknown price`);

function change(value, before) {
  if (!before) return "nothing in the time before";
  const part = value / before - 1;
  if (Math.abs(part) < 0.005) return "as in the time before";
  return `${part > 0 ? "▲" : "▼"} ${percent(Math.abs(part))} against the time before`;
}

function charts(told) {
  const stepS = seconds(told.trendStep);
  const times = slots(moment(told.startTime), moment(told.endTime), stepS);
  const found = laid(told.trend, times);
  const per = `per ${stepWords(stepS)}`;
  const each = (read) => found.map((bucket) => (bucket ? read(bucket) : 0));
  const quantile = (name) => found.map((bucket) => seconds(bucket?.[name]));
  return grid(
    timeChart({
      id: "requests", title: "Requests", note: per, kind: "bars", axis: axis.count, exact: (value) => count(value ?? 0), isWhole: true,
      data: { times, stepS, series: [
        { name: "answered", color: "c1", values: each((bucket) => Number(bucket.requests) - Number(bucket.errors)) },
        { name: "failed", color: "bad", values: each((bucket) => Number(bucket.errors)) },
      ] },
    }).node,
    timeChart({
      id: "latency", title: "Duration", note: "of requests", kind: "lines", axis: axis.seconds, exact: duration,
      data: { times, stepS, series: quantiles(quantile("latencyP50"), quantile("latencyP95"), quantile("latencyP99")) },
    }).node,
    timeChart({
      id: "cost", title: "Cost", note: `US dollars ${per}`, kind: "bars", axis: axis.dollars,
      exact: (_, one, at) => money(int(found[at]?.cost?.totalNanoUsd)),
      data: { times, stepS, series: [{ name: "cost", color: "c2", values: each((bucket) => dollars(int(bucket.cost?.totalNanoUsd))) }] },
    }).node,
    timeChart({
      id: "tokens", title: "Tokens", note: per, kind: "bars", axis: axis.count, exact: (value) => count(value ?? 0), isWhole: true,
      data: { times, stepS, series: [
        { name: "input", color: "c3", values: each((bucket) => Number(bucket.usage?.inputTokens ?? 0)) },
        { name: "output", color: "c5", values: each((bucket) => Number(bucket.usage?.outputTokens ?? 0)) },
      ] },
    }).node,
  );
}

export const quantiles = (p50, p95, p99) => [
  { name: "half within", color: "c3", values: p50 },
  { name: "95 of 100", color: "c1", values: p95, dash: "dashed" },
  { name: "99 of 100", color: "c4", values: p99, dash: "dotted" },
];

function top(told, title, buckets, name) {
  const all = int(told.usage.requests);
  const cost = (bucket) => int(bucket.cost.totalNanoUsd);
  const shown = usdColumn(buckets.map(cost));
  return card(`${title}s`, "the busiest of this time", table({
    id: `top-${name}`, caption: `${title}s`,
    rows: buckets,
    columns: [
      { name: title, text: true, of: (bucket) => bucket.dimensions[name], cell: (bucket) => bucket.dimensions[name] },
      { name: "Requests", of: (bucket) => Number(bucket.requests), cell: (bucket) => share(ratio(bucket.requests, all), count(int(bucket.requests))) },
      { name: "Failed", of: (bucket) => ratio(bucket.errors, int(bucket.requests)), cell: (bucket) => percent(ratio(bucket.errors, int(bucket.requests))) },
      { name: "p95", of: (bucket) => seconds(bucket.latencyP95), cell: (bucket) => duration(seconds(bucket.latencyP95)) },
      { name: "Cost", of: cost, cell: (bucket) => (bucket.cost.unpriced ? "unknown" : shown(cost(bucket))) },
    ],
  }));
}

function health(told) {
  const attempts = new Map(told.topProviders.map((bucket) => [bucket.dimensions.provider, bucket]));
  const all = int(told.usage.attempts);
  return card("Providers", "on this replica, now", table({
    id: "health", caption: "Providers", sort: 0,
    rows: told.health.filter((one) => one.status !== "PROVIDER_STATUS_DISABLED"),
    columns: [
      { name: "Provider", text: true, of: (one) => one.provider, cell: (one) => one.provider },
      { name: "Status", text: true, of: (one) => one.status, cell: (one) => badge(...status(one.status)) },
      { name: "Circuit", text: true, of: (one) => one.circuit, cell: (one) => badge(...circuit(one.circuit)) },
      { name: "Attempts", of: (one) => ratio(attempts.get(one.provider)?.attempts ?? 0, all), cell: (one) => share(ratio(attempts.get(one.provider)?.attempts ?? 0, all), percent(ratio(attempts.get(one.provider)?.attempts ?? 0, all))) },
      { name: "Half within", of: (one) => seconds(one.latencyP50), cell: (one) => duration(seconds(one.latencyP50)) },
    ],
  }));
}
