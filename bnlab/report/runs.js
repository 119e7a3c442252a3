// The table of runs: sorts on a click on a column's name, filters by words, shows one page of rows at a time.
"use strict";
(() => {
  const SIZE = 50;
  const { columns, rows } = JSON.parse(document.getElementById("run-data").textContent);
  const table = document.getElementById("run-table");
  const body = table.tBodies[0];
  const filter = document.getElementById("run-filter");
  const count = document.getElementById("run-count");
  const [back, forth] = document.querySelectorAll("#run-pages button");

  const text = (value, column) =>
    value === null ? "" : typeof value === "number" && column.digits !== null ? value.toFixed(column.digits) : String(value);
  const runs = rows.map((values) => {
    const texts = values.map((value, at) => text(value, columns[at]));
    return { values, texts, lower: texts.map((one) => one.toLowerCase()) };
  });
  let shown = runs;
  let first = 0;
  let sorted = { at: -1, falling: false };

  // A word is searched for in every column; name=value must equal the value of that column.
  function matches(run, word) {
    const [name, value] = word.split("=", 2);
    const at = value === undefined ? -1 : columns.findIndex((column) => column.name.replace(" ", "_") === name);
    return at < 0 ? run.lower.some((one) => one.includes(word)) : run.lower[at] === value;
  }

  // Numbers by size before text; missing values come last in both directions.
  function compare(a, b, falling) {
    if (a === b) return 0;
    if (a === null || a === "") return 1;
    if (b === null || b === "") return -1;
    const numbers = (typeof b === "number") - (typeof a === "number");
    const order = numbers || (a < b ? -1 : 1);
    return falling ? -order : order;
  }

  function select() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = runs.filter((run) => words.every((word) => matches(run, word)));
    if (sorted.at >= 0) shown.sort((a, b) => compare(a.values[sorted.at], b.values[sorted.at], sorted.falling));
    first = 0;
    draw();
  }

  function draw() {
    const status = columns.findIndex((column) => column.name === "status");
    body.replaceChildren(
      ...shown.slice(first, first + SIZE).map((run) => {
        const row = document.createElement("tr");
        run.texts.forEach((one, at) => {
          const cell = row.insertCell();
          cell.textContent = one;
          if (at === status) cell.className = "status-" + one;
        });
        return row;
      }),
    );
    const last = Math.min(first + SIZE, shown.length);
    const some = shown.length < runs.length ? ` (${runs.length} in all)` : "";
    count.textContent = shown.length ? `${first + 1} to ${last} of ${shown.length}${some}` : `none of ${runs.length}`;
    back.disabled = first === 0;
    forth.disabled = last >= shown.length;
  }

  columns.forEach((column, at) => {
    const head = document.createElement("th");
    const button = document.createElement("button");
    head.scope = "col";
    button.type = "button";
    button.textContent = column.name;
    button.addEventListener("click", () => {
      sorted = { at, falling: sorted.at === at && !sorted.falling };
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sorted.falling ? "descending" : "ascending");
      select();
    });
    head.append(button);
    table.tHead.rows[0].append(head);
  });
  filter.addEventListener("input", select);
  back.addEventListener("click", () => { first -= SIZE; draw(); });
  forth.addEventListener("click", () => { first += SIZE; draw(); });
  select();
})();
