// The frame: which view is shown, for which time, how often it asks, and what stands there meanwhile.

import { Refusal, ask, key, meet, now, watch } from "./api.js";
import { RANGES } from "./asking.js";
import { h, replaceKept, segments, waiting } from "./elements.js";
import { time, zone } from "./figures.js";
import { alerts } from "./views/alerts.js";
import { cache } from "./views/cache.js";
import { costs } from "./views/costs.js";
import { errors } from "./views/errors.js";
import { latency } from "./views/latency.js";
import { live } from "./views/live.js";
import { overview } from "./views/overview.js";
import { providers } from "./views/providers.js";

const VIEWS = { overview, alerts, providers, costs, latency, errors, cache, live };
const REFRESH_MS = 30_000;
const RETRY_MS = 2_000;
const part = (id) => document.getElementById(id);
const state = { name: "", range: sessionStorage.getItem("range") ?? "24h", choices: new Map(), shown: false };
let leaving = new AbortController();
let timer = 0;

function show(name) {
  state.name = name;
  state.shown = false;
  const view = VIEWS[name];
  part("title").textContent = view.title;
  document.title = `${view.title} · AI Provider Service`;
  for (const link of part("tabs").querySelectorAll("a")) {
    const here = link.hash === `#${name}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (here) reveal(link);
  }
  part("ranges").hidden = Boolean(view.isLive || view.isNow);
  part("told").textContent = "\u00a0";
  part("notice").replaceChildren();
  part("view").replaceChildren(waiting());
  load();
}

/** Asks, and draws. What was shown stays until the answer is there, also when there is none. */
async function load() {
  leaving.abort();
  leaving = new AbortController();
  clearTimeout(timer);
  const { signal } = leaving;
  const view = VIEWS[state.name];
  part("view").setAttribute("aria-busy", "true");
  try {
    await (view.isLive ? follow(view, signal) : draw(view, signal));
    if (!signal.aborted) again(view.isLive ? 0 : REFRESH_MS);
  } catch (error) {
    if (!signal.aborted) refuse(error);
  }
}

async function draw(view, signal) {
  const range = RANGES[state.range];
  const context = {
    ...range,
    startTime: new Date(now() - range.spanS * 1000).toISOString(),
    now: now(),
    ask: (method, request) => ask(method, request, signal),
    choice: (name, start) => state.choices.get(name) ?? start,
    choose: (name, value) => { state.choices.set(name, value); load(); },
  };
  const { nodes, until } = await view.draw(context);
  if (signal.aborted) return;
  settle(nodes);
  tell(until ? `The last ${range.words}, up to ${time.second(until)}` : `At ${time.second(now())}`);
}

async function follow(view, signal) {
  let drawn = null;
  await watch("WatchMetrics", view.request, signal, (message) => {
    if (signal.aborted) return;
    if (drawn === null) {
      drawn = view.begin();
      settle(drawn.nodes);
      tell("What this replica did in the last 10 s, each second");
    }
    drawn.update(message);
  });
}

function settle(nodes) {
  state.shown = true;
  part("notice").replaceChildren();
  part("leave").hidden = !key.get();
  replaceKept(part("view"), nodes);
  part("view").removeAttribute("aria-busy");
  part("view").classList.remove("stale");
}

function tell(text) {
  part("told").textContent = `${text} · ${zone}`;
}

function again(afterMs) {
  clearTimeout(timer);
  timer = setTimeout(() => { if (!document.hidden) load(); }, afterMs);
}

function refuse(error) {
  part("view").removeAttribute("aria-busy");
  if (!(error instanceof Refusal)) throw error;
  if (error.needsKey) {
    login(error);
    return;
  }
  const gone = error.status === 0;
  part("view").classList.toggle("stale", state.shown);
  part("notice").replaceChildren(h("div", { class: "alert" },
    h("p", {}, h("strong", {}, gone ? "The service cannot be reached." : error.message)),
    h("p", {}, gone ? "It is asked again every 2 s." : [error.reason, error.requestId && `request ${error.requestId}`].filter(Boolean).join(" · ")),
    h("button", { type: "button", class: "plain", onclick: load }, "Ask again")));
  if (!state.shown) part("view").replaceChildren();
  // A question that is wrong stays wrong.
  if (gone || error.status >= 429) again(RETRY_MS);
}

function login(error) {
  const wrong = key.get() !== null;
  key.forget();
  part("leave").hidden = true;
  part("told").textContent = "\u00a0";
  part("notice").replaceChildren();
  const field = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "key-note" });
  part("view").replaceChildren(h("form", {
    class: "card login",
    onsubmit: (event) => {
      event.preventDefault();
      key.keep(field.value.trim());
      show(state.name);
    },
  },
  h("h2", {}, "Who asks?"),
  h("p", { class: "quiet", id: "key-note" }, "The page shows what an API key of the service may see: its own tenant, or all with the permission analytics_all. The key stays in this tab."),
  wrong ? h("p", { class: "wrong", role: "alert" }, error.message) : null,
  h("label", { for: "key" }, "API key"),
  h("div", { class: "row" }, field, h("button", { type: "submit", class: "main" }, "Show"))));
  field.focus();
}

function ranges() {
  part("ranges").replaceChildren(...segments("Time", Object.entries(RANGES).map(([name, range]) => [name, range.label]), state.range, (name) => {
    state.range = name;
    sessionStorage.setItem("range", name);
    ranges();
    part(`choose-Time-${name}`).focus();
    load();
  }).childNodes);
}

function reveal(link) {
  const list = part("tabs");
  list.scrollLeft = link.offsetLeft - list.offsetLeft - (list.clientWidth - link.offsetWidth) / 2;
}

function start() {
  part("tabs").append(...Object.entries(VIEWS).map(([name, view]) => h("li", {}, h("a", { href: `#${name}` }, view.title))));
  ranges();
  part("refresh").addEventListener("click", load);
  part("leave").addEventListener("click", () => { key.forget(); show(state.name); });
  part("theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const { dataset } = document.documentElement;
    dataset.theme = (dataset.theme ?? (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
    localStorage.setItem("theme", dataset.theme);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) load();
    else if (VIEWS[state.name].isLive) leaving.abort();
  });
  addEventListener("hashchange", route);
  route();
}

function route() {
  const name = location.hash.slice(1);
  if (name === "main") return;
  show(Object.hasOwn(VIEWS, name) ? name : "overview");
}

await meet().catch(() => null);
start();
