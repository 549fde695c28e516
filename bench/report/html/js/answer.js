// The budget box: what was typed, and the answer in words.

const RUNNERS_UP = 5;
// Each field: how its text is read, the limit it sets, and how a figure of it is written.
const FIELDS = {
  size: { read: readCount, example: "1000000 or 1M" },
  storage: { read: readBytes, example: "2GB, 500 MB or 1GiB", name: "storage", most: true, text: bytesText },
  search: { read: readMilliseconds, example: "5 ms", name: "search p95", most: true, text: millisecondsText },
  encode: { read: readMilliseconds, example: "20 ms", name: "encode p95", most: true, text: millisecondsText },
  memory: { read: readBytes, example: "2GB or 900 MiB", name: "memory", most: true, text: bytesText },
  share: { read: readShare, example: "95% or 0.95", name: "share of the best full-width score", text: percentText },
  score: { read: readScore, example: "0.6", name: "score", text: (value) => value.toFixed(4) },
};
const COSTS = ["storage", "search", "encode", "memory"];

/** The values of the fields by key; null of what cannot be read, absent where nothing was typed. */
function readFields() {
  const values = new Map();
  for (const [key, { read, example }] of Object.entries(FIELDS)) {
    const input = byId(key);
    if (input.value !== state.get(key)) input.value = state.get(key);
    const text = state.get(key).trim();
    if (text) values.set(key, read(text));
    const wrong = values.get(key) === null;
    input.setAttribute("aria-invalid", String(wrong));
    byId(`${key}-error`).textContent = wrong ? `Not understood: write ${example}.` : "";
  }
  return values;
}

/** What is asked of a table, and what stands in the way of an answer. */
function readBudget(table, rows) {
  const values = readFields();
  const documents = values.get("size") ?? table.documents;
  const best = bestFullWidth(rows);
  const of = quantities(table, documents);
  of.share = (row) => exactly(row.score === null ? null : row.score / best);
  const limits = [...values.keys()]
    .filter((key) => key !== "size")
    .map((key) => ({ ...FIELDS[key], key, limit: values.get(key), of: of[key] }));
  let problem = null;
  if ([...values.values()].includes(null)) {
    problem = "One of the limits is not understood.";
  } else if (values.has("storage") && documents === null) {
    problem = "Storage needs a corpus size: this task has no documents.";
  } else if (values.has("share") && !(best > 0)) {
    problem = "No score at full width in float32 is above 0: set a minimum score instead.";
  }
  return { documents, limits, of, problem, best, size: values.get("size") ?? null };
}

function limitText(limit) {
  return `${limit.name} ${limit.most ? "at most" : "at least"} ${limit.text(limit.limit)}`;
}

/** The same question for the command line, in words as a shell reads them. */
function commandWords(unit, table, budget) {
  const [task, split, subset] = unit.names;
  const words = ["bench", "choose", "--task", task];
  if (UNITS.filter(({ names }) => names[0] === task).length > 1) words.push("--split", split, "--subset", subset);
  if (unit.tables.length > 1) words.push("--environment", table.environment);
  if (budget.size !== null) words.push("--corpus-size", String(budget.size));
  for (const { key, limit } of budget.limits) words.push(...optionWords(key, limit, budget.best));
  return words.map(shellWord);
}

function optionWords(key, limit, best) {
  if (key === "search" || key === "encode") return [`--max-${key}-p95`, `${limit}ms`];
  if (key === "storage" || key === "memory") return [`--max-${key}`, state.get(key).replace(/[\s,]/g, "")];
  return ["--min-score", String(Number((key === "share" ? limit * best : limit).toFixed(6)))];
}

function knownText(known, text) {
  if (known.value === null) return "not measured";
  return text(known.value) + (known.size ? ` at ${plural(known.size, "document", "documents")}` : "");
}

function figureList(table, budget, row) {
  const score = [scoreText(row), intervalText(row)].filter(Boolean).join(" ");
  const costs = COSTS.map((key) => [FIELDS[key].name, knownText(budget.of[key](row), FIELDS[key].text)]);
  const items = [[table.metric, score], ...costs].map(([term, text]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, text)),
  );
  return element("dl", { class: "figures" }, ...items);
}

function runnersUp(table, budget, rows) {
  const costs = COSTS.filter((key) => rows.some((row) => budget.of[key](row).value !== null));
  const heads = ["Runners-up", table.metric, ...costs.map((key) => FIELDS[key].name)];
  const costText = (key, { value }) => (value === null ? "" : FIELDS[key].text(value));
  const cells = (row) => [scoreText(row), ...costs.map((key) => costText(key, budget.of[key](row)))];
  const lines = rows.map((row) =>
    element("tr", { "data-place": row.place },
      element("th", { scope: "row" }, element("bdi", {}, row.model), " ", element("span", { class: "view" }, viewText(row))),
      ...cells(row).map((text) => element("td", { class: "number" }, text))),
  );
  const head = heads.map((text, place) => element("th", { scope: "col", class: place ? "number" : null }, text));
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
  return element("div", { class: "scroll runners", tabindex: "0", role: "region", "aria-label": "Runners-up" }, made);
}

/** How many views each limit keeps out. */
function excludedList(found) {
  const lines = found.excluded.map(({ limit, broken, unknown, alone }) => {
    const parts = [`${countText(broken)} ${limit.most ? "above" : "below"}`];
    if (unknown) parts.push(`${countText(unknown)} not known`);
    if (alone) parts.push(`${countText(alone)} by this limit alone`);
    return element("li", { "data-limit": limit.key }, `${limitText(limit)}: ${parts.join(", ")}`);
  });
  return [
    element("p", { class: "label" }, "What the limits keep out (a view may break several)"),
    element("ul", { class: "excluded" }, ...lines),
  ];
}

/** What to do where nothing fits. */
function relaxation(found) {
  if (!found.closest) return [element("p", {}, "No view has all of these figures measured.")];
  const lines = found.relax.map(({ limit, row }) => {
    const reached = limit.text(limit.of(row).value);
    const words = `${limit.most ? "Raise" : "Lower"} the limit on ${limit.name} to ${reached}: then `;
    const name = element("bdi", {}, rowName(row));
    return element("li", { "data-limit": limit.key, "data-place": row.place }, words, name, " fits.");
  });
  if (!lines.length) return [element("p", {}, "Relaxing a single limit is not enough.")];
  return [element("ul", { class: "relax" }, ...lines)];
}

/** What a reader should know about the figures. */
function caveats(table, budget) {
  const lines = [];
  const asked = budget.documents;
  const documents = (count) => plural(count, "document", "documents");
  if (asked !== null) {
    lines.push(`Storage is computed: bytes a vector times ${documents(asked)}, without what an index adds.`);
  }
  if (table.documents !== null && asked !== table.documents) {
    lines.push(
      `Figures that name a number of documents were measured on that many, not on ${documents(asked)}: an exact search ` +
        "of more documents takes longer in proportion.",
    );
  }
  if (table.documents !== null) {
    lines.push("Search is exact here. Memory is that of encoding and of searching together, at their peaks.");
  }
  return lines.map((line) => element("p", { class: "caveat" }, line));
}

function commandLine(unit, table, budget) {
  const words =
    "Figures are compared here as this page rounds them. The command takes all their digits, HNSW too, and tests " +
    "which differences are significant:";
  // A line may end between words, not after the dashes of an option.
  const spans = commandWords(unit, table, budget).flatMap((word) => [element("span", {}, word), " "]);
  const code = element("code", { class: "command", tabindex: "0" }, ...spans.slice(0, -1));
  return [element("p", { class: "caveat" }, words), code];
}

function verdictText(found, limited) {
  const count = plural(found.candidates.length, "view", "views");
  const [fitting, possible] = [found.fitting.length, found.possible.length];
  if (!found.candidates.length) return "No model has a score here.";
  if (!limited) return `The best of ${count}; set limits to narrow it down`;
  if (fitting) return `${countText(fitting)} of ${count} ${fitting === 1 ? "fits" : "fit"}, and the best is`;
  if (possible) return `None of ${count} is known to fit at this size; the best of ${countText(possible)} that may is`;
  return found.closest ? `None of ${count} fits. The closest is` : `None of ${count} fits.`;
}

/** Draws the answer; returns the place of the row that it names, null without limits. */
function drawAnswer(unit, table, rows) {
  const budget = readBudget(table, rows);
  byId("size").placeholder = table.documents === null ? "1M" : `${countText(table.documents)}, as measured`;
  if (budget.problem) {
    byId("verdict").replaceChildren(element("p", { class: "label" }, budget.problem));
    byId("answer").replaceChildren();
    return null;
  }
  const found = answerBudget(rows, budget.limits);
  const limited = budget.limits.length > 0;
  const [best, ...others] = found.fitting.length ? found.fitting : found.possible;
  const named = best ?? found.closest;
  byId("verdict").replaceChildren(element("p", { class: "label" }, verdictText(found, limited)));
  const parts = [];
  if (named) {
    const view = element("span", { class: "view" }, viewText(named));
    const attributes = { class: best ? "best" : "best closest", "data-place": named.place };
    byId("verdict").append(element("p", attributes, element("bdi", {}, named.model), " ", view));
    parts.push(figureList(table, budget, named));
  }
  if (!best && found.candidates.length) parts.push(...relaxation(found));
  if (others.length) parts.push(runnersUp(table, budget, others.slice(0, RUNNERS_UP)));
  if (limited) parts.push(...excludedList(found));
  parts.push(...caveats(table, budget));
  if (limited) parts.push(...commandLine(unit, table, budget));
  byId("answer").replaceChildren(...parts);
  return best && limited ? best.place : null;
}

function listenToBudget(changed) {
  for (const key of Object.keys(FIELDS)) {
    byId(key).addEventListener("input", (event) => {
      state.set(key, event.target.value);
      changed();
    });
  }
  byId("budget").addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", () => {
    for (const key of Object.keys(FIELDS)) state.set(key, "");
    changed();
  });
}
