// What this replica does now, told by it each second.

import { timeChart } from "../chart.js";
import { badge, card, grid, h, tiles, usd, usdColumn } from "../elements.js";
import { axis, count, duration, int, mean, moment, percent, rate, seconds } from "../figures.js";
import { table } from "../table.js";
import { quantiles } from "./overview.js";
import { status } from "./words.js";

const KEPT = 120;

export const live = {
  title: "Live",
  isLive: true,
  request: { interval: "1s", window: "10s" },
  begin() {
    const past = [];
    const top = h("div", {});
    const bottom = h("div", {});
    const charts = drawn();
    return {
      nodes: [top, grid(charts.map((chart) => chart.node)), bottom],
      update(message) {
        past.push(message);
        if (past.length > KEPT) past.shift();
        top.replaceChildren(figures(message));
        for (const chart of charts) chart.update(chart.data(past));
        bottom.replaceChildren(providers(message.providers));
      },
    };
  },
};

function figures({ requests, totalDuration, cacheHitRatio, inFlight }) {
  return tiles(
    { key: "rate", label: "Requests", value: rate(requests.perSecond), note: `${count(int(requests.count))} ended in the window` },
    { key: "failed", label: "Failed", value: percent(requests.errorRatio), note: `${count(int(requests.errors))} requests`, tone: requests.errorRatio > 0.05 ? "bad" : null },
    { key: "flight", label: "In flight", value: count(int(inFlight)), note: "of all tenants" },
    { key: "p95", label: "95 of 100 within", value: duration(seconds(totalDuration.p95)), note: `half within ${duration(seconds(totalDuration.p50))}` },
    { key: "hits", label: "Without a new call", value: percent(cacheHitRatio), note: "cache, or an equal request" },
    { key: "hour", label: "An hour like this", value: usd(int(requests.nanoUsdPerHour)), note: requests.unpricedAttempts === "0" ? rate(requests.outputTokensPerSecond, "output tokens") : `without ${count(int(requests.unpricedAttempts))} attempts of unknown price` },
  );
}

function drawn() {
  const chart = (options, series) => {
    const data = (past) => ({ times: times(past), stepS: 1, series: series.map(({ of, ...one }) => ({ ...one, values: padded(past, of) })) });
    return Object.assign(timeChart({ ...options, fine: true, data: data([]) }), { data });
  };
  const plain = { kind: "lines", axis: axis.count, exact: (value) => (value === null ? "–" : mean(value)) };
  const rows = quantiles(["p50"], ["p95"], ["p99"]);
  return [
    chart({ ...plain, id: "live-rate", title: "Requests", note: "per second, over 10 s" }, [
      { name: "ended", color: "c1", of: ({ requests }) => requests.perSecond },
      { name: "failed", color: "bad", dash: "dashed", of: ({ requests }) => requests.perSecond * requests.errorRatio },
    ]),
    chart({ ...plain, id: "live-latency", title: "Duration", note: "of requests", axis: axis.seconds, exact: duration },
      rows.map(({ values: [name], ...one }) => ({ ...one, of: ({ totalDuration }) => seconds(totalDuration[name]) }))),
    chart({ ...plain, id: "live-flight", title: "In flight", note: "requests, of all tenants", isWhole: true }, [
      { name: "in flight", color: "c5", of: ({ inFlight }) => Number(inFlight) },
    ]),
    chart({ ...plain, id: "live-tokens", title: "Tokens", note: "per second, over 10 s" }, [
      { name: "input", color: "c3", of: ({ requests }) => requests.inputTokensPerSecond },
      { name: "output", color: "c5", dash: "dashed", of: ({ requests }) => requests.outputTokensPerSecond },
    ]),
  ];
}

/** Two minutes, of which the newest second is the last: what is not yet known is a gap. */
function times(past) {
  const last = past.length ? moment(past.at(-1).time) : 0;
  return past.length ? Array.from({ length: KEPT }, (_, place) => last - (KEPT - 1 - place) * 1000) : [];
}

function padded(past, read) {
  return [...new Array(Math.max(0, KEPT - past.length)).fill(null), ...past.map(read)];
}

function providers(found) {
  const hour = (one) => int(one.attempts.nanoUsdPerHour);
  const shown = usdColumn(found.map(hour));
  return card("Providers", "in the same 10 s", table({
    id: "live-providers", caption: "Providers, live", sort: 0,
    rows: found,
    columns: [
      { name: "Provider", text: true, of: (one) => one.provider, cell: (one) => one.provider },
      { name: "Status", text: true, of: (one) => one.status, cell: (one) => badge(...status(one.status)) },
      { name: "Attempts", of: (one) => one.attempts.perSecond, cell: (one) => rate(one.attempts.perSecond) },
      { name: "Failed", of: (one) => one.attempts.errorRatio, cell: (one) => percent(one.attempts.errorRatio) },
      { name: "p50", of: (one) => seconds(one.duration.p50), cell: (one) => duration(seconds(one.duration.p50)) },
      { name: "p95", of: (one) => seconds(one.duration.p95), cell: (one) => duration(seconds(one.duration.p95)) },
      { name: "In flight", of: (one) => Number(one.inFlight), cell: (one) => count(int(one.inFlight)) },
      { name: "Cost, an hour like this", of: hour, cell: (one) => shown(hour(one)) },
    ],
  }));
}
