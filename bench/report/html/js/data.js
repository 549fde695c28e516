// From the packed columns to rows. A row is {place, view, model, kind, leakage, drawn, dim, precision, bytes, noisy,
// reference, rank, group, score, low, high, loss, within, encoding}; numbers that were not measured are null.

const DATA = JSON.parse(byId("data").textContent);
const [NOISY_MARK, NOISY_REASON] = DATA.marks.noisy;
const [LEAKAGE_MARK, LEAKAGE_NOTE] = DATA.marks.leakage;

/** The tables of one task, split and subset, an environment each. */
function taskUnits() {
  const units = new Map();
  for (const table of DATA.tables) {
    const key = JSON.stringify(table.unit);
    if (!units.has(key)) units.set(key, { names: table.unit, title: table.title, tables: [] });
    units.get(key).tables.push(table);
  }
  return [...units.values()];
}

const UNITS = taskUnits();

function environmentText(name) {
  if (name === null) return "no cost measured";
  const found = DATA.environments.find(([fingerprint]) => fingerprint === name);
  return `${name}: ${found[1]}`;
}

function numberAt(packed, place) {
  if (!packed) return null;
  const value = packed.values[place];
  return value === null || packed.decimals === null ? value : value / 10 ** packed.decimals;
}

/** A number with the digits that the other pages print. */
function printedAt(packed, place) {
  const value = numberAt(packed, place);
  if (value === null) return "";
  const text = packed.decimals === null ? significant(value) : withCommas(value.toFixed(packed.decimals));
  return packed.percent ? `${text}%` : text;
}

/** The rows of a table in its own order: the best model first, its views from wide to narrow. */
function rowsOf(table) {
  const reference = new Set(table.reference);
  const encoding = new Map(table.encoding.model.map((model, place) => [model, place]));
  const rows = [];
  for (const [model, kind, leakage, drawn, count] of table.runs) {
    for (const last = rows.length + count; rows.length < last; ) {
      const place = rows.length;
      const [dim, precision, bytes] = DATA.views[table.view[place]] ?? [null, null, null];
      const encoded = encoding.get(model) ?? null;
      rows.push({
        place,
        view: table.view[place],
        model: DATA.models[model],
        kind,
        leakage: leakage === 1,
        drawn: drawn === 1,
        dim,
        precision: precision === null ? "" : DATA.precisions[precision],
        precisionOrder: precision,
        bytes,
        noisy: table.noisy[place] === "1" || table.encoding.noisy[encoded] === "1",
        reference: reference.has(place),
        rank: table.rank[place],
        group: table.group[place],
        score: numberAt(table.score, place),
        low: numberAt(table.low, place),
        high: numberAt(table.high, place),
        loss: table.losses && numberAt(table.losses.mean, place),
        within: table.losses ? table.losses.within[place] : "",
        encoding: encoded,
      });
    }
  }
  return rows;
}

function viewText(row) {
  return row.dim === null ? "" : `${row.dim} ${row.precision}`;
}

function rowName(row) {
  return row.dim === null ? row.model : `${row.model}, ${viewText(row)}`;
}

function kindText(row) {
  if (row.drawn) return `${row.kind}, ${DATA.marks.drawn}`;
  return row.leakage ? `${row.kind} ${LEAKAGE_MARK}` : row.kind;
}

/** A column of numbers: how to read it from a row, and how it is printed. */
function figureColumn(table, key) {
  const about = DATA.columns.find((column) => column.key === key);
  const packed = (about.encoding ? table.encoding.figures : table.figures)[key];
  if (!packed) return null;
  const place = about.encoding ? (row) => row.encoding : packed.by_view ? (row) => row.view : (row) => row.place;
  const spot = about.encoding ? place : (row) => row.place;
  const best = new Set(packed.best);
  return {
    ...about,
    group: about.encoding ? "encoding" : "search",
    numeric: true,
    value: (row) => (place(row) === null ? null : numberAt(packed, place(row))),
    text: (row) => (place(row) === null ? "" : printedAt(packed, place(row))),
    best: (row) => best.has(spot(row)),
  };
}

/** The columns of numbers that have a value in a table. */
function figureColumns(table) {
  return DATA.columns.map((column) => figureColumn(table, column.key)).filter((column) => column !== null);
}
