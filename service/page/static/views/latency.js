// How long requests took, and where the time went. Quantiles are the service's own, within 2 %.

import { all, groupName, laid, slots } from "../asking.js";
import { timeChart } from "../chart.js";
import { card, empty, grid, h, segments, tiles } from "../elements.js";
import { axis, count, duration, int, mean, moment, rate, seconds } from "../figures.js";
import { table } from "../table.js";
import { quantiles } from "./overview.js";
import { method } from "./words.js";

const DIMENSIONS = { model: "Model", provider: "Provider", method: "Method", tenant: "Tenant" };
const PARTS = [
  ["totalDuration", "A request", "to the end of its answer"],
  ["timeToFirstToken", "First token", "of streams"],
  ["timePerOutputToken", "Token after token", "of streams that were answered"],
  ["providerDuration", "Waiting for providers", "of requests that had to"],
  ["overhead", "The service itself", "its queues included"],
];

export const latency = {
  title: "Latency",
  async draw(context) {
    const { startTime, stepS, ask, now } = context;
    const by = context.choice("latency", "model");
    const [told, over] = await Promise.all([
      all(ask, "QueryPerformance", { startTime, groupBy: [`USAGE_DIMENSION_${by.toUpperCase()}`] }),
      all(ask, "QueryPerformance", { startTime, step: `${stepS}s` }),
    ]);
    const until = moment(told.dataUntilTime);
    if (told.total.requests === "0") return { until, nodes: [empty("No requests in this time", "")] };
    const times = slots(moment(startTime), now, stepS);
    const choose = segments("Latency by", Object.entries(DIMENSIONS), by, (value) => context.choose("latency", value));
    return { until, nodes: [figures(told.total), charts(laid(over.buckets, times), times, stepS), parts(told.total), choose, sums(told, by)] };
  },
};

function figures(total) {
  const whole = total.totalDuration;
  return tiles(
    { key: "p50", label: "Half within", value: duration(seconds(whole.p50)), note: `${duration(seconds(whole.mean))} on average` },
    { key: "p95", label: "95 of 100 within", value: duration(seconds(whole.p95)), note: `${count(int(whole.count))} requests` },
    { key: "p99", label: "99 of 100 within", value: duration(seconds(whole.p99)), note: "" },
    { key: "first", label: "First token, half within", value: duration(seconds(total.timeToFirstToken.p50)), note: `${count(int(total.timeToFirstToken.count))} streams` },
    { key: "own", label: "The service, half within", value: duration(seconds(total.overhead.p50)), note: `95 of 100 within ${duration(seconds(total.overhead.p95))}` },
    { key: "tokens", label: "Output tokens", value: rate(total.outputTokensPerSecond), note: `${rate(total.requestsPerSecond, "requests")}, ${mean(total.meanConcurrency)} at once, ${count(int(total.peakConcurrency))} at most` },
  );
}

function charts(found, times, stepS) {
  const lines = (part) => ["p50", "p95", "p99"].map((name) => found.map((bucket) => seconds(bucket?.[part]?.[name])));
  const chart = (id, title, note, part) => timeChart({
    id, title, note, kind: "lines", axis: axis.seconds, exact: duration,
    data: { times, stepS, series: quantiles(...lines(part)) },
  }).node;
  return grid(
    chart("total", "Duration", "of requests", "totalDuration"),
    chart("first", "First token", "of streams", "timeToFirstToken"),
    chart("waited", "Waiting for providers", "failed attempts included", "providerDuration"),
    chart("own", "The service itself", "all that is not waiting for a provider", "overhead"),
  );
}

function parts(total) {
  const at = (name) => (row) => seconds(row.summary[name]);
  const column = (name, key) => ({ name, of: at(key), cell: (row) => duration(at(key)(row)) });
  return card("Where the time went", "all requests of this time", table({
    id: "parts", caption: "Where the time went", sort: null,
    rows: PARTS.map(([key, title, note]) => ({ title, note, summary: total[key] })),
    columns: [
      { name: "Part", text: true, of: (row) => row.title, cell: (row) => [row.title, h("span", { class: "quiet" }, ` ${row.note}`)] },
      { name: "Measured", of: (row) => Number(row.summary.count), cell: (row) => count(int(row.summary.count)) },
      column("Mean", "mean"), column("p50", "p50"), column("p95", "p95"), column("p99", "p99"),
    ],
  }));
}

function sums(told, by) {
  const at = (part, name) => (bucket) => seconds(bucket[part][name]);
  const column = (name, part, key) => ({ name, of: at(part, key), cell: (bucket) => duration(at(part, key)(bucket)) });
  return card(`By ${DIMENSIONS[by].toLowerCase()}`, "of whoever gave the answer", table({
    id: `latency-by-${by}`, caption: `Latency by ${DIMENSIONS[by].toLowerCase()}`,
    rows: told.buckets.filter((bucket) => bucket.requests !== "0"),
    columns: [
      { name: DIMENSIONS[by], text: true, of: (bucket) => bucket.dimensions[by], cell: (bucket) => (by === "method" ? method(bucket.dimensions[by]) : groupName(bucket.dimensions[by])) },
      { name: "Requests", of: (bucket) => Number(bucket.requests), cell: (bucket) => count(int(bucket.requests)) },
      column("p50", "totalDuration", "p50"), column("p95", "totalDuration", "p95"), column("p99", "totalDuration", "p99"),
      column("First token", "timeToFirstToken", "p50"), column("Per token", "timePerOutputToken", "p50"), column("Service", "overhead", "p50"),
      { name: "Output tokens", of: (bucket) => bucket.outputTokensPerSecond, cell: (bucket) => rate(bucket.outputTokensPerSecond) },
      { name: "At once", of: (bucket) => bucket.meanConcurrency, cell: (bucket) => mean(bucket.meanConcurrency) },
      { name: "At most", of: (bucket) => Number(bucket.peakConcurrency), cell: (bucket) => count(int(bucket.peakConcurrency)) },
    ],
  }));
}
