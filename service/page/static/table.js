// Tables that can be sorted by each column, by mouse and by keyboard.

import { h } from "./elements.js";

const sorts = new Map();

/**
 * `columns` are {name, of, cell, text}: `of` gives what rows are sorted by, `cell` what is shown,
 * `text` says that it is no number. `rows` are anything. `sort` is the column by which they are
 * sorted at first, null leaves them as they come.
 */
export function table({ id, caption, columns, rows, sort = 1 }) {
  const holder = h("div", { class: "scroll", id: `scroll-${id}`, role: "region", "aria-label": caption, tabindex: "0" });
  const draw = (focus) => {
    const [place, down] = sorts.get(id) ?? [sort, sort !== null && !columns[sort].text];
    const by = columns[place]?.of;
    const sorted = by ? [...rows].sort((a, b) => order(by(a), by(b)) * (down ? -1 : 1)) : rows;
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
  return holder;
}

function heading(column, isSorted, down, id, choose) {
  const arrow = h("span", { class: "arrow", "aria-hidden": "true" }, isSorted ? (down ? "↓" : "↑") : "");
  return h("th", {
    scope: "col",
    class: column.text ? "text" : "numeric",
    "aria-sort": isSorted ? (down ? "descending" : "ascending") : null,
  }, h("button", { type: "button", id, onclick: choose }, column.text ? [column.name, arrow] : [arrow, column.name]));
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
