// The table: columns, sorting, pages.

const ROWS_A_PAGE = 100;
const FIRST_NOTES = 8;
// Shown at first; the others on demand.
const FIRST_FIGURES = [
  "share", "bytes_per_vector", "search_ms", "search_p95_ms", "hnsw_ms", "p50_ms", "p95_ms", "search_mib", "encode_mib",
];
const GROUPS = { cell: "", quality: "Quality", search: "Search, by view", encoding: "Encoding, whatever the view" };

function scoreText(row) {
  return row.score === null ? "" : row.score.toFixed(4);
}

function intervalText(row) {
  return row.low === null || row.high === null ? "" : `[${row.low.toFixed(3)}, ${row.high.toFixed(3)}]`;
}

function rankText(row, shared) {
  if (row.rank === null) return "";
  return [row.rank, shared.has(row.rank) ? "=" : "", row.group].filter(Boolean).join(" ");
}

/** What stands in the column of losses: the loss with its bounds. */
function lossText(table, row) {
  if (table.losses.best.includes(row.place)) return "best";
  const [low, high] = [printedAt(table.losses.low, row.place), printedAt(table.losses.high, row.place)];
  return printedAt(table.losses.mean, row.place) + (low && high ? ` [${low}, ${high}]` : "");
}

/** The columns of losses, and of whether the margin is shown to be kept. */
function lossColumns(table) {
  if (!table.losses) return [];
  const [loss, within] = table.losses.headings;
  return [
    { key: "loss", title: loss, group: "quality", numeric: true, low: true, value: (row) => row.loss,
      text: (row) => lossText(table, row), help: "loss of the main score with one-sided bounds" },
    { key: "within", title: within, group: "quality", text: (row) => row.within, value: (row) => row.within,
      help: "whether the loss is shown to be at most this margin; else how many would show it" },
  ];
}

/** Ranks that several rows have. */
function sharedRanks(rows) {
  const seen = new Set();
  return new Set(rows.map((row) => row.rank).filter((rank) => seen.has(rank) || !seen.add(rank)));
}

/** All columns of a table: what sorts them, and what stands in them. */
function tableColumns(table, rows) {
  const shared = sharedRanks(rows);
  const best = new Set(table.best);
  const words = (key, title, text, value = text) => ({ key, title, group: "cell", text, value });
  const columns = [
    { ...words("rank", "rank", (row) => rankText(row, shared), (row) => row.rank), numeric: true, low: true },
    words("model", "model", (row) => row.model + (row.noisy ? NOISY_MARK : "")),
    words("kind", "kind", kindText),
    { ...words("dim", "dim", (row) => (row.dim === null ? "" : String(row.dim)), (row) => row.dim), numeric: true },
    words("precision", "precision", (row) => row.precision, (row) => row.precisionOrder),
    { key: "score", title: table.metric, group: "quality", numeric: true, text: scoreText, value: (row) => row.score,
      best: (row) => best.has(row.place), help: "main score" },
    { key: "interval", title: "95% interval", group: "quality", numeric: true, text: intervalText,
      value: (row) => row.low, help: "bootstrap interval of the score; sorted by its lower end" },
    ...lossColumns(table),
    ...table.shown.map(([name, packed], place) => ({
      key: `shown-${place}`, title: name, group: "quality", numeric: true,
      text: (row) => printedAt(packed, row.place), value: (row) => numberAt(packed, row.place),
    })),
  ];
  const all = state.get("columns") === "all";
  const figures = figureColumns(table).filter(({ key }) => all || FIRST_FIGURES.includes(key));
  for (const column of figures) {
    columns.push(column.key === "share" || column.key === "reranked" ? { ...column, group: "quality" } : column);
  }
  const order = Object.keys(GROUPS);
  return columns
    .filter((column) => column.key !== "rank" || rows.some((row) => row.rank !== null))
    .sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
}

/** Sorted rows; what has no value comes last either way, and equal values stand by rank. */
function sortRows(rows, columns) {
  const column = columns.find(({ key }) => key === state.get("sort"));
  if (!column) return rows;
  const sign = state.get("order") === "down" ? -1 : 1;
  const missing = (value) => value === null || value === "";
  const rank = (row) => row.rank ?? Number.MAX_SAFE_INTEGER;
  return [...rows].sort((a, b) => {
    const [left, right] = [column.value(a), column.value(b)];
    if (missing(left) || missing(right)) return missing(left) - missing(right) || rank(a) - rank(b) || a.place - b.place;
    return (left < right ? -sign : left > right ? sign : 0) || rank(a) - rank(b) || a.place - b.place;
  });
}

function sortBy(column) {
  const again = state.get("sort") === column.key;
  // The better end first, words from A.
  const first = column.numeric && !column.low ? "down" : "up";
  const order = again ? (state.get("order") === "down" ? "up" : "down") : first;
  state.set("sort", column.key);
  state.set("order", order);
  state.set("page", "1");
}

function drawHead(columns, changed) {
  const groups = [];
  for (const column of columns) {
    if (groups.at(-1)?.name === column.group) groups.at(-1).span += 1;
    else groups.push({ name: column.group, span: 1 });
  }
  const titles = groups.map(({ name, span }) =>
    name === "cell"
      ? element("td", { colspan: span })
      : element("th", { colspan: span, scope: "colgroup", class: "group" }, GROUPS[name]),
  );
  const heads = columns.map((column, place) => {
    const sorted = state.get("sort") === column.key;
    const direction = state.get("order") === "down" ? "descending" : "ascending";
    const first = place > 0 && columns[place - 1].group !== column.group;
    const button = element("button", { type: "button", title: column.help ?? null }, column.title);
    button.addEventListener("click", () => {
      sortBy(column);
      changed();
      byId("head").querySelector(`[data-key="${column.key}"] button`).focus();
    });
    return element(
      "th",
      { scope: "col", "data-key": column.key, "aria-sort": sorted ? direction : "none",
        class: `${column.numeric ? "number" : ""} ${first ? "first" : ""} ${column.key}` },
      button,
    );
  });
  byId("head").replaceChildren(element("tr", { class: "groups" }, ...titles), element("tr", {}, ...heads));
}

function drawRow(row, columns, chosen) {
  const cells = columns.map((column, place) => {
    const first = place > 0 && columns[place - 1].group !== column.group;
    const classes = `${column.numeric ? "number" : ""} ${first ? "first" : ""} ${column.key}`;
    const content = column.best?.(row) ? element("b", {}, column.text(row)) : column.text(row);
    if (column.key !== "model") return element("td", { class: classes }, content);
    const mark = row.noisy ? NOISY_MARK : "";
    return element("th", { scope: "row", class: classes }, element("bdi", {}, row.model), mark);
  });
  return element("tr", { "data-place": row.place, class: row.place === chosen ? "chosen" : null }, ...cells);
}

/** Draws a page: of all rows those that the filters leave; `chosen` is the place of the one that answers the budget. */
function drawTable(table, all, rows, chosen, changed) {
  const columns = tableColumns(table, all);
  const sorted = sortRows(rows, columns);
  const pages = Math.max(1, Math.ceil(sorted.length / ROWS_A_PAGE));
  const page = Math.min(pages, Math.max(1, Number.parseInt(state.get("page"), 10) || 1));
  state.set("page", String(page));
  const shown = sorted.slice((page - 1) * ROWS_A_PAGE, page * ROWS_A_PAGE);
  const about = `${table.title}: ${table.metric} over ${countText(table.n)} ${table.items}`;
  byId("caption").textContent = `${about}; ${environmentText(table.environment)}`;
  byId("few").textContent = table.few;
  byId("few").hidden = !table.few;
  drawHead(columns, changed);
  const longest = Math.max(0, ...shown.map((row) => row.model.length));
  byId("table").style.setProperty("--name", `${longest + 2}ch`);
  byId("body").replaceChildren(...shown.map((row) => drawRow(row, columns, chosen)));
  const from = (page - 1) * ROWS_A_PAGE + 1;
  const range = pages > 1 ? `${countText(from)} to ${countText(from + shown.length - 1)} of ` : "";
  byId("count").textContent = rows.length ? range + plural(rows.length, "row", "rows") : "No row has all of these.";
  byId("pager").hidden = pages === 1;
  byId("previous").disabled = page === 1;
  byId("next").disabled = page === pages;
}

function listenToTable(changed) {
  for (const [id, step] of [["previous", -1], ["next", 1]]) {
    byId(id).addEventListener("click", () => {
      state.set("page", String(Number(state.get("page")) + step));
      changed();
    });
  }
  byId("columns").addEventListener("change", (event) => {
    state.set("columns", event.target.checked ? "all" : "some");
    changed();
  });
}

/** What a reader should know about a table: marks, what audits found, what was not measured and why. */
function drawNotes(table, rows) {
  const lines = [...table.footnotes, ...table.notes].map((note) => DATA.notes[note]);
  if (rows.some((row) => row.leakage)) lines.unshift(`${LEAKAGE_NOTE}.`);
  if (rows.some((row) => row.noisy)) lines.unshift(`${NOISY_MARK} ${NOISY_REASON}.`);
  if (!table.tested) lines.unshift(DATA.marks.untested);
  if (table.method) lines.unshift(table.method);
  const items = lines.map((line) => element("li", {}, line));
  byId("notes").replaceChildren(...items.slice(0, FIRST_NOTES));
  byId("more-notes").replaceChildren(...items.slice(FIRST_NOTES));
  byId("more").hidden = items.length <= FIRST_NOTES;
  byId("more-count").textContent = plural(items.length - FIRST_NOTES, "more note", "more notes");
  const about = DATA.columns.filter(({ key }) => table.figures[key] || table.encoding.figures[key]);
  byId("legend").replaceChildren(
    ...about.flatMap(({ title, help }) => [element("dt", {}, title), element("dd", {}, help)]),
  );
}
