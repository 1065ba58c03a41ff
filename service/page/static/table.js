// Tables that can be sorted by each column, by mouse and by keyboard.

import { h } from "./elements.js";

const sorts = new Map();

/**
 * `columns` are {name, of, cell, text}: `of` gives what rows are sorted by, `cell` what is shown,
 * `text` says that it is no number. `rows` are anything. `note` is shown below.
 */
export function table({ id, caption, columns, rows, note, sort = 1 }) {
  const holder = h("div", { class: "scroll", id: `scroll-${id}`, role: "region", "aria-label": caption, tabindex: "0" });
  const draw = (focus) => {
    const [place, down] = sorts.get(id) ?? [sort, !columns[sort].text];
    const sorted = [...rows].sort((a, b) => order(columns[place].of(a), columns[place].of(b)) * (down ? -1 : 1));
    const head = columns.map((column, here) => heading(column, here === place, down, `sort-${id}-${here}`, () => {
      sorts.set(id, [here, here === place ? !down : !column.text]);
      draw(`sort-${id}-${here}`);
    }));
    holder.replaceChildren(h("table", { id },
      h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, sorted.map((row) => line(row, columns)))));
    if (focus) document.getElementById(focus)?.focus();
  };
  draw();
  return [holder, note ? h("p", { class: "quiet below" }, note) : null];
}

function heading(column, isSorted, down, id, choose) {
  return h("th", {
    scope: "col",
    class: column.text ? "text" : "numeric",
    "aria-sort": isSorted ? (down ? "descending" : "ascending") : null,
  }, h("button", { type: "button", id, onclick: choose }, column.name,
    h("span", { class: "arrow", "aria-hidden": "true" }, isSorted ? (down ? "↓" : "↑") : "")));
}

function line(row, columns) {
  return h("tr", {}, columns.map((column, place) => {
    const shown = column.cell(row);
    const kind = { class: column.text ? "text" : "numeric" };
    return place === 0 ? h("th", { scope: "row", ...kind }, shown) : h("td", kind, shown);
  }));
}

function order(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return typeof a === "string" ? a.localeCompare(b) : a < b ? -1 : 1;
}
