// What it cost, by whom and what, and what was not spent. Sums are the service's own, to the nano-USD.

import { all, colorOf, groupName, grouped, laid, slots, stepWords } from "../asking.js";
import { timeChart } from "../chart.js";
import { card, empty, grid, h, segments, share, tiles, usd, usdColumn } from "../elements.js";
import { axis, count, dollars, duration, int, moment, money, percent, ratio, seconds } from "../figures.js";
import { table } from "../table.js";
import { saved } from "./overview.js";
import { method } from "./words.js";

const DIMENSIONS = { model: "Model", provider: "Provider", tenant: "Tenant", method: "Method" };

export const costs = {
  title: "Costs",
  async draw(context) {
    const { startTime, stepS, ask, now } = context;
    const by = context.choice("costs", "model");
    const groupBy = [`USAGE_DIMENSION_${by.toUpperCase()}`];
    const [told, over] = await Promise.all([
      all(ask, "QueryCosts", { startTime, groupBy }),
      all(ask, "QueryCosts", { startTime, groupBy, step: `${stepS}s`, limit: 6 }),
    ]);
    const times = slots(moment(startTime), now, stepS);
    const until = moment(told.dataUntilTime);
    if (told.total.attempts === "0" && told.total.requests === "0") return { until, nodes: [empty("Nothing was asked in this time", "")] };
    const choose = segments("Costs by", Object.entries(DIMENSIONS), by, (value) => context.choose("costs", value));
    return { until, nodes: [figures(told.total), choose, grid(chart(over, times, stepS, by), savings(told.total)), sums(told, by)] };
  },
};

function figures(total) {
  const unknown = int(total.unpricedAttempts);
  return tiles(
    { key: "total", label: "Total", value: total.cost.unpriced ? "unknown" : usd(int(total.cost.totalNanoUsd)), note: `${count(int(total.attempts))} attempts` },
    { key: "per-request", label: "A request, on average", value: total.nanoUsdPerRequest === undefined ? "–" : usd(int(total.nanoUsdPerRequest)), note: `${count(int(total.requests))} requests` },
    { key: "unanswered", label: "Without an answer", value: usd(int(total.unansweredNanoUsd)), note: "failed, cancelled, or overtaken" },
    { key: "estimated", label: "From estimated tokens", value: usd(int(total.estimatedNanoUsd)), note: "the provider did not say how many" },
    { key: "unpriced", label: "Price unknown", value: count(unknown), note: unknown ? "attempts: the true sum is higher" : "every attempt is priced", tone: unknown ? "warn" : null },
  );
}

function chart(over, times, stepS, by) {
  const groups = [...grouped(over.buckets.filter((bucket) => bucket.cost.totalNanoUsd !== "0"), by)].map(([name, buckets]) => [name, laid(buckets, times)]);
  return timeChart({
    id: "costs", title: "Cost", note: `US dollars per ${stepWords(stepS)}, by ${DIMENSIONS[by].toLowerCase()}`, kind: "bars", axis: axis.dollars,
    exact: (_, one, at) => money(int(one.buckets[at]?.cost?.totalNanoUsd)),
    data: { times, stepS, series: groups.map(([name, buckets], place) => ({
      name: by === "method" ? method(name) : groupName(name), color: colorOf(name, place), buckets,
      values: buckets.map((bucket) => dollars(int(bucket?.cost?.totalNanoUsd))),
    })) },
  }).node;
}

function savings(total) {
  const { savings: found } = total;
  const sum = saved(found);
  const parts = [
    ["Answers from the cache", int(found.cacheNanoUsd)],
    ["Requests that joined an equal one", int(found.coalescingNanoUsd)],
    ["Repeats by idempotency key", int(found.repeatsNanoUsd)],
  ];
  const shown = usdColumn([...parts.map(([, nano]) => nano), sum]);
  const line = ([name, nano]) => h("tr", {}, h("th", { scope: "row", class: "text" }, name),
    h("td", { class: "wide" }, share(ratio(nano, sum), percent(ratio(nano, sum)))), h("td", { class: "numeric" }, shown(nano)));
  return card("Not spent", "as far as prices are known",
    h("table", { id: "savings", class: "wraps" }, h("caption", { class: "hidden" }, "What was not spent"),
      h("thead", { class: "hidden" }, h("tr", {}, h("th", { scope: "col" }, "By"), h("th", { scope: "col", class: "wide" }, "Share"), h("th", { scope: "col" }, "Saved"))),
      h("tbody", {}, parts.map(line)),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row", class: "text" }, "Together"), h("td", { class: "wide" }), h("td", { class: "numeric", "data-figure": "saved" }, shown(sum))))),
    h("ul", { class: "remarks quiet" },
      h("li", {}, `Providers were spared ${duration(seconds(found.duration) ?? 0)} of work.`),
      found.unpricedRequests === "0" ? null : h("li", {}, `${count(int(found.unpricedRequests))} requests saved a call of unknown price: they count nothing here.`),
      found.routingAttempts === "0" ? null : h("li", {}, `By routing, against the dearest candidate: ${money(int(found.routingExpectedNanoUsd))} over ${count(int(found.routingAttempts))} attempts, as was expected when they were chosen.`)));
}

function sums(told, by) {
  const whole = int(told.total.cost.totalNanoUsd);
  const cost = (bucket) => int(bucket.cost.totalNanoUsd);
  const each = (bucket) => int(bucket.nanoUsdPerRequest);
  const lost = (bucket) => int(bucket.unansweredNanoUsd);
  const [costText, eachText, lostText] = [cost, each, lost].map((read) => usdColumn(told.buckets.map(read)));
  return card(`By ${DIMENSIONS[by].toLowerCase()}`, "the dearest first", table({
    id: `costs-by-${by}`, caption: `Costs by ${DIMENSIONS[by].toLowerCase()}`,
    rows: told.buckets,
    columns: [
      { name: DIMENSIONS[by], text: true, of: (bucket) => bucket.dimensions[by], cell: (bucket) => (by === "method" ? method(bucket.dimensions[by]) : groupName(bucket.dimensions[by])) },
      { name: "Cost", of: cost, cell: (bucket) => (bucket.cost.unpriced && bucket.attempts !== "0" ? "unknown" : costText(cost(bucket))) },
      { name: "Share", of: cost, cell: (bucket) => share(ratio(cost(bucket), whole), percent(ratio(cost(bucket), whole))) },
      { name: "Requests", of: (bucket) => Number(bucket.requests), cell: (bucket) => count(int(bucket.requests)) },
      { name: "A request", of: (bucket) => (bucket.nanoUsdPerRequest === undefined ? null : each(bucket)), cell: (bucket) => (bucket.nanoUsdPerRequest === undefined ? "–" : eachText(each(bucket))) },
      { name: "Attempts", of: (bucket) => Number(bucket.attempts), cell: (bucket) => count(int(bucket.attempts)) },
      { name: "Without an answer", of: lost, cell: (bucket) => lostText(lost(bucket)) },
      { name: "Price unknown", of: (bucket) => Number(bucket.unpricedAttempts), cell: (bucket) => count(int(bucket.unpricedAttempts)) },
    ],
  }));
}
