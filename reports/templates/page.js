// What the page does besides being read: tables sort and filter, and a trial in a plot finds its row. Without a script
// the page says the same.
"use strict";
const number = (text) => {
  const found = text.replace("−", "-").match(/-?\d+(\.\d+)?(e-?\d+)?/);
  return found ? Number(found[0]) : NaN;
};
const order = (a, b) => {
  const [x, y] = [number(a), number(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) {
    return Number.isNaN(x) - Number.isNaN(y) || a.localeCompare(b);
  }
  return x - y;
};

const sortable = (table) => {
  const body = table.tBodies[0];
  table.querySelectorAll("th").forEach((head, column) => {
    const sort = () => {
      const falls = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const text = (row) => row.cells[column].textContent.trim();
      const right = head.classList.contains("right");
      const by = right ? order : (a, b) => a.localeCompare(b, undefined, { numeric: true });
      const rows = [...body.rows].sort((a, b) => (falls ? -1 : 1) * by(text(a), text(b)));
      body.append(...rows);
    };
    head.tabIndex = 0;
    head.title = "sort";
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        sort();
      }
    });
  });
};

const filterable = (table) => {
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "rows with …";
  field.setAttribute("aria-label", "show rows that contain all of these words");
  const count = document.createElement("span");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = field.value ? ` ${shown} of ${table.tBodies[0].rows.length}` : "";
  });
  const line = document.createElement("div");
  line.className = "filter";
  line.append(field, count);
  table.parentElement.before(line);
};

const rows = new Map();
for (const table of document.querySelectorAll("table")) {
  if (table.tBodies[0].rows.length > 2) {
    sortable(table);
  }
  if (table.tBodies[0].rows.length > 12) {
    filterable(table);
  }
  if (table.querySelector("th")?.textContent.trim() === "trial") {
    for (const row of table.tBodies[0].rows) {
      const trial = String(number(row.cells[0].textContent));
      rows.set(trial, [...(rows.get(trial) ?? []), row]);
    }
  }
}

const mark = (trial, on) => {
  (rows.get(trial) ?? []).forEach((row) => row.classList.toggle("lit", on));
  document
    .querySelectorAll(`svg a[data-trial="${CSS.escape(trial)}"]`)
    .forEach((dot) => dot.classList.toggle("lit", on));
};
const lights = (element, trial) => {
  element.addEventListener("mouseenter", () => mark(trial, true));
  element.addEventListener("mouseleave", () => mark(trial, false));
};
for (const dot of document.querySelectorAll("svg a[data-trial]")) {
  const trial = dot.dataset.trial;
  lights(dot, trial);
  dot.addEventListener("click", (event) => {
    const row = (rows.get(trial) ?? []).at(-1);
    if (document.getElementById(`trial-${trial}`) || !row) {
      return;
    }
    event.preventDefault();
    for (let at = row; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") {
        at.open = true;
      }
    }
    row.scrollIntoView({ block: "center" });
    row.classList.add("lit");
  });
}
rows.forEach((list, trial) => list.forEach((row) => lights(row, trial)));
