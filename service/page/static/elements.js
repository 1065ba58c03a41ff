// Pieces of the page. Text is always set as text: nothing that the service tells is read as markup.

import { decimals, money } from "./figures.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element. `on…` are listeners, `true` an empty attribute; null, false and undefined are left out. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function s(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

/** A figure with its name. `tone` is `good`, `bad` or `warn`; `key` names it for tests. */
export function tile({ key, label, value, note, tone }) {
  return h("div", { class: "tile" },
    h("dt", {}, label),
    h("dd", { class: tone ? `value ${tone}` : "value", "data-figure": key }, value),
    h("dd", { class: "note" }, note ?? ""));
}

export const tiles = (...all) => h("dl", { class: "tiles" }, all.map(tile));

/** A titled box. */
export function card(title, note, ...children) {
  return h("section", { class: "card" },
    h("header", {}, h("h2", {}, title), note ? h("p", { class: "quiet" }, note) : null),
    children);
}

export const grid = (...children) => h("div", { class: "grid" }, children);

/** Nothing to show, and why. */
export function empty(title, text) {
  return h("div", { class: "empty" },
    s("svg", { viewBox: "0 0 48 32", "aria-hidden": "true" },
      s("path", { d: "M2 30h44M8 30V18M17 30V8M26 30V21M35 30V13" })),
    h("p", {}, h("strong", {}, title)),
    text ? h("p", { class: "quiet" }, text) : null);
}

/** Money to the last digit; what is less than a cent stands back where there are dollars. */
export function usd(nano, least = decimals(nano), isLarge = isDollars(nano)) {
  const text = money(nano, least);
  const cut = text.indexOf(".") + 3;
  if (!isLarge || cut >= text.length) return h("span", { class: "number" }, text);
  return h("span", { class: "number" }, text.slice(0, cut), h("span", { class: "tail" }, text.slice(cut)));
}

/** What shows the amounts of one column, with the points below each other. */
export function usdColumn(amounts) {
  const most = Math.max(2, ...amounts.map(decimals));
  const isLarge = amounts.some(isDollars);
  return (nano) => (nano === 0n ? h("span", { class: "quiet number" }, "$0") : usd(nano, most, isLarge));
}

const isDollars = (nano) => nano >= 1_000_000_000n || nano <= -1_000_000_000n;

/** A choice of one of a few: buttons that say whether they are pressed. */
export function segments(label, options, chosen, choose) {
  return h("div", { class: "segments", role: "group", "aria-label": label },
    options.map(([value, text]) => h("button", {
      type: "button",
      id: `choose-${label}-${value}`.replaceAll(" ", "-"),
      "aria-pressed": String(value === chosen),
      onclick: () => choose(value),
    }, text)));
}

/** A state in a word and a colour. */
export const badge = (text, tone) => h("span", { class: `badge ${tone}` }, text);

/** A part of a whole, as a bar with its number. */
export function share(value, text) {
  const bar = h("span", { class: value > 0 ? "bar-fill" : "bar-fill none" });
  bar.style.width = `${Math.min(100, Math.max(0, 100 * value))}%`;
  return h("span", { class: "share" }, h("span", { class: "bar-track", "aria-hidden": "true" }, bar), h("span", { class: "number" }, text));
}

/** Grey boxes where figures will be. */
export function waiting() {
  const box = (kind) => h("div", { class: `ghost ${kind}` });
  return h("div", { class: "ghosts", "aria-hidden": "true" },
    h("div", { class: "tiles" }, Array.from({ length: 5 }, () => box("low"))),
    h("div", { class: "grid" }, box("high"), box("high")));
}

/** What readers have opened, scrolled and focused stays as it is when figures are drawn anew. */
export function replaceKept(root, nodes) {
  const focused = document.activeElement?.id;
  const opened = new Set([...root.querySelectorAll("details[open]")].map((one) => one.id));
  const scrolled = new Map([...root.querySelectorAll(".scroll")].map((one) => [one.id, one.scrollLeft]));
  root.replaceChildren(...nodes);
  for (const one of root.querySelectorAll("details")) one.open = opened.has(one.id);
  for (const one of root.querySelectorAll(".scroll")) one.scrollLeft = scrolled.get(one.id) ?? 0;
  if (focused && document.activeElement?.id !== focused) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
}
