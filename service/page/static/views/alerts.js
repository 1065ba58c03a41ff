// What is wrong by the alert rules and what was lately; and the strip that says so above the overview.

import { badge, card, empty, h } from "../elements.js";
import { ago, count, duration, moment, money, percent, time } from "../figures.js";
import { table } from "../table.js";
import { alertState, ending, plain, severity } from "./words.js";

const STRIP_MAX = 5;
const LIST_MAX = 500;
const ON_TRIAL = 0.5;

export const alerts = {
  title: "Alerts",
  isNow: true,
  async draw({ ask, now }) {
    const told = await ask("ListAlerts", { limit: LIST_MAX });
    const over = told.alerts.filter((one) => one.state === "ALERT_STATE_RESOLVED");
    const here = told.alerts.filter((one) => one.state !== "ALERT_STATE_RESOLVED");
    const more = told.alertCount - told.alerts.length;
    const left = more > 0 ? h("p", { class: "quiet" }, `${count(more)} more are not shown.`) : null;
    return { until: null, nodes: [present(here, told, now), past(over), left].filter(Boolean) };
  },
};

/** Nothing where nothing fires. `told` is an overview. */
export function strip(told, nowMs) {
  const { firingAlerts: firing, firingAlertCount: all } = told;
  if (!firing.length) return null;
  const worst = severity(firing[0].severity)[1];
  const shown = firing.slice(0, STRIP_MAX);
  const more = all - shown.length;
  return h("section", { class: `strip ${worst}`, "aria-labelledby": "strip-title" },
    h("header", {},
      h("h2", { id: "strip-title" }, all === 1 ? "1 alert is firing" : `${count(all)} alerts are firing`),
      h("a", { id: "strip-all", href: "#alerts" }, more > 0 ? `${count(more)} more, and those before` : "All alerts")),
    h("ul", {}, shown.map((one) => h("li", {},
      badge(...severity(one.severity)),
      h("p", {}, h("strong", {}, one.rule), ` · ${subject(one)}`, h("span", { class: "number" }, measure(one))),
      h("span", { class: "quiet" }, ago(since(one), nowMs))))));
}

function present(here, told, nowMs) {
  const looked = told.checkTime ? `looked at ${time.second(moment(told.checkTime))}` : "not looked at yet";
  const watched = `on this replica: ${count(told.ruleCount)} ${told.ruleCount === 1 ? "rule" : "rules"}, ${looked}`;
  if (!told.ruleCount) return empty("No rule is in force", "Nothing is watched: see docs/alerts.md.");
  if (!here.length) return card("Now", watched, empty("No alerts", "No rule finds anything wrong, as far as you may see."));
  return card("Now", watched, table({
    id: "alerts-now", caption: "Alerts now", sort: null,
    rows: here,
    columns: [
      ...named(),
      { name: "State", text: true, of: (one) => one.state, cell: (one) => badge(...alertState(one.state)) },
      ...measured(),
      { name: "Since", text: true, of: since, cell: (one) => [ago(since(one), nowMs), h("span", { class: "quiet" }, ` ${time.full(since(one))}`)] },
    ],
  }));
}

function past(over) {
  if (!over.length) return card("Over", "the last of them since this replica began", empty("None yet", ""));
  return card("Over", "the last of them since this replica began", table({
    id: "alerts-over", caption: "Alerts that are over", sort: null,
    rows: over,
    columns: [
      ...named(),
      { name: "Ended", text: true, of: (one) => one.end, cell: (one) => ending(one.end) },
      ...measured("Last value"),
      { name: "Lasted", of: lasted, cell: (one) => duration(lasted(one)) },
      { name: "Over", text: true, of: (one) => moment(one.resolveTime), cell: (one) => time.full(moment(one.resolveTime)) },
    ],
  }));
}

const named = () => [
  { name: "Rule", text: true, of: (one) => `${one.rule} ${subject(one)}`, cell: (one) => [one.rule, " ", h("span", { class: "quiet below" }, subject(one))] },
  { name: "Severity", text: true, of: (one) => one.severity, cell: (one) => badge(...severity(one.severity)) },
];

const measured = (name = "Value") => [
  { name, of: (one) => one.value ?? null, cell: (one) => reading(one) ?? "–" },
  { name: "Bad at", text: true, of: (one) => one.threshold ?? null, cell: (one) => limit(one) ?? "–" },
];

const since = (one) => moment(one.sinceTime);
const lasted = (one) => Math.max(0, moment(one.resolveTime) - since(one)) / 1000;

function subject(one) {
  const by = ["tenant", "provider", "model"].find((name) => name in one);
  return by ? `${by} ${one[by]}` : "all together";
}

/** In words; null where nothing is known. */
function reading({ value, unit, kind }) {
  if (value === undefined) return null;
  const what = { ALERT_KIND_ERROR_RATE: " failed", ALERT_KIND_BUDGET: " spent", ALERT_KIND_BUDGET_BURN: " by the end" }[kind] ?? "";
  return `${amount(value, unit)}${what}`;
}

function limit({ threshold, clearThreshold, unit }) {
  if (threshold === undefined || unit === "down") return null;
  return `${threshold < clearThreshold ? "at most" : "at least"} ${amount(threshold, unit)}`;
}

function measure(one) {
  const told = [reading(one), limit(one)].filter(Boolean).join(", ");
  return told && ` · ${told}`;
}

function amount(value, unit) {
  if (unit === "share") return percent(value);
  if (unit === "s") return duration(value);
  if (unit === "down") return value >= 1 ? "down" : value >= ON_TRIAL ? "on trial" : "up";
  if (unit === "nano_usd/min") return `${money(BigInt(Math.round(value)))} a minute`;
  return `${value} ${plain(unit)}`;
}
