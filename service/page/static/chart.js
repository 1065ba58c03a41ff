// Charts over time, drawn in SVG at the width that there is: stacked bars, or lines.
// Each has a caption, a legend, a pointer that tells exact values, also by arrow keys, and its numbers as a table.

import { h, s } from "./elements.js";
import { time } from "./figures.js";
import { isDay, ticks, timeTicks } from "./scale.js";

const HEIGHT = 208;
const EDGE = { top: 10, right: 6, bottom: 24, left: 54 };
const INNER = HEIGHT - EDGE.top - EDGE.bottom;

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) target.redraw?.();
});

/**
 * `data` is {times, stepS, series}: times in ms where each slot begins, and for each series
 * {name, values, color, dash}, in which null is a gap. `exact` and `axis` make numbers text.
 */
export function timeChart({ id, title, note, kind, axis, exact, isWhole, data, fine }) {
  const legend = h("ul", { class: "legend" });
  // It stays while what is in it is drawn anew: so does the focus.
  const plot = h("div", { class: "plot", id: `plot-${id}`, role: "img", tabindex: "0", "aria-labelledby": `title-${id}` });
  const pointer = h("div", { class: "pointer", hidden: true, role: "status" });
  const numbers = h("details", { class: "numbers", id: `numbers-${id}` });
  const figure = h("figure", { class: "card chart", id: `chart-${id}` },
    h("figcaption", {}, h("h2", { id: `title-${id}` }, title), h("p", { class: "quiet" }, note), legend),
    h("div", { class: "plot-box" }, plot, pointer), numbers);
  const state = { data, at: null, width: 0, fine, kind, axis, exact, isWhole, id, title };
  const redraw = () => {
    const width = plot.clientWidth;
    if (!width) return;
    state.width = width;
    plot.replaceChildren(drawn(state));
    point(state, plot, pointer);
  };
  plot.redraw = redraw;
  resized.observe(plot);
  listen(state, plot, pointer);
  numbers.append(h("summary", {}, "Numbers"));
  numbers.addEventListener("toggle", () => tell(state, numbers));
  const update = (next) => {
    state.data = next;
    legend.replaceChildren(...keys(next.series, kind));
    tell(state, numbers);
    redraw();
  };
  legend.replaceChildren(...keys(data.series, kind));
  return { node: figure, update };
}

function keys(series, kind) {
  return series.map((one) => h("li", { class: one.color },
    s("svg", { viewBox: "0 0 14 8", "aria-hidden": "true", class: "key" },
      kind === "bars" ? s("rect", { class: "fill", width: 10, height: 8, rx: 2 })
        : s("path", { class: `line ${one.dash ?? ""}`, d: "M0 4h14" })),
    one.name));
}

function drawn(state) {
  const { data, width, kind, axis, isWhole } = state;
  const { times, stepS, series } = data;
  const top = highest(series, times.length, kind);
  const levels = ticks(top, 4, isWhole);
  const scale = {
    x: (slot) => EDGE.left + slot * ((width - EDGE.left - EDGE.right) / Math.max(times.length, 1)),
    y: (value) => EDGE.top + INNER - (value / (levels.at(-1) || 1)) * INNER,
  };
  const svg = s("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
  for (const level of levels) {
    const y = Math.round(scale.y(level)) + 0.5;
    svg.append(s("line", { class: level ? "rule" : "rule base", x1: EDGE.left, x2: width - EDGE.right, y1: y, y2: y }),
      s("text", { class: "tick", x: EDGE.left - 8, y: y + 4, "text-anchor": "end" }, axis(level, levels[1])));
  }
  svg.append(...timeAxis(state, scale));
  svg.append(...(kind === "bars" ? bars(series, times.length, scale) : lines(series, times.length, scale)));
  if (isEmpty(series, kind) && stepS) svg.append(s("text", { class: "none", x: (width + EDGE.left) / 2, y: EDGE.top + INNER / 2, "text-anchor": "middle" }, "nothing in this time"));
  return svg;
}

function timeAxis({ data, width, fine }, scale) {
  const { times, stepS } = data;
  if (!times.length) return [];
  const from = times[0];
  const to = times.at(-1) + stepS * 1000;
  const found = timeTicks(from, to, Math.max(2, Math.floor((width - EDGE.left) / (fine ? 100 : 76))));
  const text = isDay(found.step) ? time.day : fine ? time.second : time.minute;
  const left = scale.x(0);
  const right = scale.x(times.length);
  return found.at.map((at) => {
    const x = left + ((at - from) / (to - from)) * (right - left);
    return s("g", {}, s("line", { class: "rule mark", x1: x, x2: x, y1: EDGE.top + INNER, y2: EDGE.top + INNER + 4 }),
      s("text", { class: "tick", x, y: HEIGHT - 5, "text-anchor": fine && x > right - 20 ? "end" : "middle" }, text(at)));
  });
}

function bars(series, length, scale) {
  const slot = scale.x(1) - scale.x(0);
  const gap = slot > 6 ? Math.max(1, slot * 0.22) : slot > 2 ? 0.6 : 0;
  const floor = new Array(length).fill(0);
  return series.map((one) => {
    const path = [];
    one.values.forEach((value, place) => {
      if (!value) return;
      const low = scale.y(floor[place]);
      floor[place] += value;
      // What is there is seen, however small it is.
      const high = Math.min(scale.y(floor[place]), low - 1);
      path.push(`M${fixed(scale.x(place) + gap / 2)} ${fixed(low)}V${fixed(high)}h${fixed(slot - gap)}V${fixed(low)}z`);
    });
    return s("path", { class: `fill ${one.color}`, d: path.join("") });
  });
}

function lines(series, length, scale) {
  const middle = (place) => fixed(scale.x(place + 0.5));
  return series.map((one) => {
    const path = [];
    const alone = [];
    one.values.forEach((value, place) => {
      if (value === null) return;
      const before = place > 0 && one.values[place - 1] !== null;
      path.push(`${before ? "L" : "M"}${middle(place)} ${fixed(scale.y(value))}`);
      const after = place + 1 < length && one.values[place + 1] !== null;
      if (!before && !after) alone.push(s("circle", { class: `dot ${one.color}`, cx: middle(place), cy: fixed(scale.y(value)), r: 2.5 }));
    });
    return s("g", { class: one.color }, s("path", { class: `line ${one.dash ?? ""}`, d: path.join("") }), alone);
  });
}

function listen(state, plot, pointer) {
  const move = (at) => {
    const last = state.data.times.length - 1;
    state.at = at === null || last < 0 ? null : Math.min(last, Math.max(0, at));
    point(state, plot, pointer);
  };
  const slotAt = (event) => {
    const box = plot.getBoundingClientRect();
    const inner = state.width - EDGE.left - EDGE.right;
    return Math.floor(((event.clientX - box.left - EDGE.left) / inner) * state.data.times.length);
  };
  plot.addEventListener("pointermove", (event) => move(slotAt(event)));
  plot.addEventListener("pointerdown", (event) => move(slotAt(event)));
  plot.addEventListener("pointerleave", () => move(null));
  plot.addEventListener("focusout", () => move(null));
  plot.addEventListener("keydown", (event) => {
    const last = state.data.times.length - 1;
    const to = { ArrowRight: (state.at ?? -1) + 1, ArrowLeft: (state.at ?? last + 1) - 1, Home: 0, End: last, Escape: null }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  });
}

function point(state, plot, pointer) {
  plot.querySelector(".cursor")?.remove();
  pointer.hidden = state.at === null || state.at >= state.data.times.length;
  if (pointer.hidden) return;
  const { data, at, width, exact } = state;
  const slot = (width - EDGE.left - EDGE.right) / data.times.length;
  const x = EDGE.left + slot * (at + 0.5);
  plot.firstChild.append(s("line", { class: "cursor", x1: x, x2: x, y1: EDGE.top, y2: EDGE.top + INNER }));
  pointer.replaceChildren(h("p", {}, when(state, at)), h("dl", {}, data.series.map((one) => [
    h("dt", { class: one.color }, h("span", { class: "swatch", "aria-hidden": "true" }), one.name),
    h("dd", {}, exact(one.values[at], one, at)),
  ])));
  const half = pointer.offsetWidth / 2;
  pointer.style.left = `${Math.min(Math.max(x, half), width - half)}px`;
}

function tell(state, numbers) {
  if (!numbers.open) return;
  const { data, exact, title } = state;
  numbers.replaceChildren(numbers.firstChild, h("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": `${title}, numbers`, id: `scroll-numbers-${state.id}` },
    h("table", {}, h("caption", { class: "hidden" }, title),
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, "From"), data.series.map((one) => h("th", { scope: "col", class: "numeric" }, one.name)))),
      h("tbody", {}, data.times.map((_, at) => h("tr", {}, h("th", { scope: "row", class: "text" }, when(state, at)),
        data.series.map((one) => h("td", { class: "numeric" }, exact(one.values[at], one, at)))))))));
}

const when = ({ data, fine }, at) => (fine ? time.second : time.full)(data.times[at]);

function highest(series, length, kind) {
  let found = 0;
  for (let place = 0; place < length; place += 1) {
    const here = series.map((one) => one.values[place] ?? 0);
    found = Math.max(found, kind === "bars" ? here.reduce((a, b) => a + b, 0) : Math.max(...here, 0));
  }
  return found;
}

const isEmpty = (series, kind) => !series.some((one) => one.values.some((value) => (kind === "bars" ? value : value !== null)));

const fixed = (value) => Math.round(value * 10) / 10;
