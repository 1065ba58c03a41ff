// What failed, why, who can help it, and what failover made good.

import { all, groupName, laid, slots, stepWords } from "../asking.js";
import { timeChart } from "../chart.js";
import { badge, card, empty, grid, segments, share, tiles } from "../elements.js";
import { axis, count, duration, int, moment, percent, ratio, seconds } from "../figures.js";
import { table } from "../table.js";
import { method, owner, plain } from "./words.js";

const DIMENSIONS = { provider: "Provider", model: "Model", tenant: "Tenant", method: "Method" };

export const errors = {
  title: "Errors",
  async draw(context) {
    const { startTime, stepS, ask, now } = context;
    const by = context.choice("errors", "provider");
    const [told, over] = await Promise.all([
      all(ask, "QueryErrors", { startTime, groupBy: [`USAGE_DIMENSION_${by.toUpperCase()}`] }),
      all(ask, "QueryErrors", { startTime, step: `${stepS}s` }),
    ]);
    const until = moment(told.dataUntilTime);
    if (told.total.requests === "0" && told.total.attempts === "0") return { until, nodes: [empty("No requests in this time", "")] };
    const times = slots(moment(startTime), now, stepS);
    const choose = segments("Errors by", Object.entries(DIMENSIONS), by, (value) => context.choose("errors", value));
    return { until, nodes: [
      figures(told.total),
      grid(...charts(laid(over.buckets, times), times, stepS)),
      grid(
        reasons("reasons", "What callers were told", told.total.reasons, int(told.total.errors), "No request failed in this time."),
        reasons("attempt-reasons", "What providers did", told.total.attemptReasons, int(told.total.failedAttempts), "No attempt failed in this time."),
      ),
      choose, sums(told, by),
    ] };
  },
};

function figures(total) {
  return tiles(
    { key: "ratio", label: "Failed", value: percent(total.errorRatio), note: `${count(int(total.errors))} of ${count(int(total.requests))} requests`, tone: total.errorRatio > 0.05 ? "bad" : null },
    { key: "caller", label: "For callers to fix", value: count(int(total.callerFaults)), note: "wrong requests, cancels" },
    { key: "provider", label: "For providers to fix", value: count(int(total.providerFaults)), note: "outages, limits, broken answers" },
    { key: "service", label: "For operators to fix", value: count(int(total.serviceFaults)), note: "capacity, credentials, faults", tone: total.serviceFaults === "0" ? null : "bad" },
    { key: "attempts", label: "Failed attempts", value: percent(ratio(total.failedAttempts, int(total.attempts))), note: `${count(int(total.failedAttempts))} of ${count(int(total.attempts))}` },
    { key: "recovered", label: "Failovers that helped", value: total.failoverSuccessRatio === undefined ? "–" : percent(total.failoverSuccessRatio), note: recovery(total) },
  );
}

function recovery(total) {
  const half = seconds(total.recoveryDuration.p50);
  const some = `${count(int(total.recovered))} of ${count(int(total.failovers))}`;
  return half === null ? some : `${some}; half lost ${duration(half)}`;
}

function charts(found, times, stepS) {
  const per = `per ${stepWords(stepS)}`;
  const each = (name) => found.map((bucket) => Number(bucket?.[name] ?? 0));
  const chart = (id, title, note, series) => timeChart({
    id, title, note, kind: "bars", axis: axis.count, isWhole: true, exact: (value) => count(value ?? 0), data: { times, stepS, series },
  }).node;
  return [
    chart("faults", "Failed requests", `by who can fix it, ${per}`, [
      { name: "caller", color: "c2", values: each("callerFaults") },
      { name: "provider", color: "c4", values: each("providerFaults") },
      { name: "operators", color: "bad", values: each("serviceFaults") },
    ]),
    chart("failovers", "Failovers", `requests of which an attempt failed, ${per}`, [
      { name: "answered all the same", color: "c3", values: each("recovered") },
      { name: "not answered", color: "bad", values: found.map((bucket) => Number(bucket?.failovers ?? 0) - Number(bucket?.recovered ?? 0)) },
    ]),
  ];
}

function reasons(id, title, found, whole, none) {
  if (!found.length) return card(title, "", empty(none, ""));
  return card(title, "the most frequent first", table({
    id, caption: title, sort: 2,
    rows: found,
    columns: [
      { name: "Reason", text: true, of: (one) => one.reason, cell: (one) => plain(one.reason) },
      { name: "To be fixed by", text: true, of: (one) => owner(one.faultOwner), cell: (one) => badge(owner(one.faultOwner), { operators: "bad", provider: "warn" }[owner(one.faultOwner)] ?? "quiet") },
      { name: "Times", of: (one) => Number(one.count), cell: (one) => share(ratio(one.count, whole), count(int(one.count))) },
    ],
  }));
}

function sums(told, by) {
  const part = (value, whole) => (whole === "0" ? null : ratio(value, int(whole)));
  const shown = (value) => (value === null ? "–" : percent(value));
  return card(`By ${DIMENSIONS[by].toLowerCase()}`, by === "provider" ? "a request belongs to whoever gave its answer; one that got none to “none”" : "", table({
    id: `errors-by-${by}`, caption: `Failures by ${DIMENSIONS[by].toLowerCase()}`, sort: 2,
    rows: told.buckets,
    columns: [
      { name: DIMENSIONS[by], text: true, of: (bucket) => bucket.dimensions[by], cell: (bucket) => (by === "method" ? method(bucket.dimensions[by]) : groupName(bucket.dimensions[by])) },
      { name: "Requests", of: (bucket) => Number(bucket.requests), cell: (bucket) => count(int(bucket.requests)) },
      { name: "Failed", of: (bucket) => Number(bucket.errors), cell: (bucket) => count(int(bucket.errors)) },
      { name: "Failed share", of: (bucket) => part(bucket.errors, bucket.requests), cell: (bucket) => shown(part(bucket.errors, bucket.requests)) },
      { name: "Attempts", of: (bucket) => Number(bucket.attempts), cell: (bucket) => count(int(bucket.attempts)) },
      { name: "Failed attempts", of: (bucket) => Number(bucket.failedAttempts), cell: (bucket) => count(int(bucket.failedAttempts)) },
      { name: "Failed attempts, share", of: (bucket) => part(bucket.failedAttempts, bucket.attempts), cell: (bucket) => shown(part(bucket.failedAttempts, bucket.attempts)) },
    ],
  }));
}
