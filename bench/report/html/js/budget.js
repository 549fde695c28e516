// The best view under a budget: from rows and limits to an answer, without the page.
//
// What is known of a quantity is {value, low, high}: the figure to show, and bounds of what it is. They are the same
// where it was measured; a figure of another number of documents bounds it from one side; nothing bounds what was not
// measured.

const NOT_MEASURED = { value: null, low: -Infinity, high: Infinity };

function exactly(value) {
  return value === null ? NOT_MEASURED : { value, low: value, high: value };
}

/** What figures at some numbers of documents, [documents, figure], tell of another number; they grow with it. */
function atSize(figures, documents) {
  const found = figures.filter(([, value]) => value !== null).sort(([a], [b]) => a - b);
  const same = found.find(([size]) => size === documents);
  if (same) return exactly(same[1]);
  if (!found.length) return NOT_MEASURED;
  const fewer = found.filter(([size]) => size < documents);
  const more = found.filter(([size]) => size > documents);
  const low = Math.max(0, ...fewer.map(([, value]) => value));
  const high = Math.min(Infinity, ...more.map(([, value]) => value));
  const [size, value] = fewer.at(-1) ?? more[0];
  // A larger corpus may by chance have been measured faster than a smaller one: then neither bound holds.
  return { value, size, ...(low <= high ? { low, high } : { low: 0, high: Infinity }) };
}

function sum(parts) {
  if (parts.some((part) => part.value === null)) return NOT_MEASURED;
  const add = (key) => parts.reduce((total, part) => total + part[key], 0);
  return { value: add("value"), low: add("low"), high: add("high"), size: parts.find((part) => part.size)?.size };
}

function times(known, factor) {
  if (known.value === null) return known;
  return { ...known, value: known.value * factor, low: known.low * factor, high: known.high * factor };
}

/** What limits can be set on, each a function from a row of a table to what is known of it. */
function quantities(table, documents) {
  const figure = (key) => {
    const column = figureColumn(table, key);
    return (row) => column?.value(row) ?? null;
  };
  const bySize = (key) => {
    const own = figure(key);
    const others = (row) => table.sizes.map((other) => [other.documents, numberAt(other.figures[key], row.place)]);
    return (row) => atSize([[table.documents, own(row)], ...others(row)], documents);
  };
  const [encode, encodeMemory, index] = [figure("p95_ms"), figure("encode_mib"), figure("index_bytes")];
  const [search, searchMemory] = [bySize("search_p95_ms"), bySize("search_mib")];
  // A baseline encodes nothing, and has an index instead of vectors.
  const encoding = (row, read) => (row.dim === null ? exactly(0) : exactly(read(row)));
  const ownIndex = (row) => (documents === table.documents && index(row) !== null ? index(row) * 1e6 : null);
  // An index is searched in memory.
  const holding = (row, known) => {
    const least = Math.max(known.low, (row.bytes * documents) / 2 ** 20);
    return { ...known, low: Math.min(known.high, least) };
  };
  const searches = table.documents !== null;
  return {
    storage: (row) => exactly(row.bytes === null || documents === null ? ownIndex(row) : row.bytes * documents),
    search: (row) => (searches ? search(row) : NOT_MEASURED),
    encode: (row) => encoding(row, encode),
    memory: (row) => {
      const searching = searches ? [holding(row, searchMemory(row))] : [];
      return times(sum([encoding(row, encodeMemory), ...searching]), 2 ** 20);
    },
    score: (row) => exactly(row.score),
  };
}

/** The best score at full width in float32; null where there is none. */
function bestFullWidth(rows) {
  const scores = rows.filter((row) => row.reference && row.score !== null).map((row) => row.score);
  return scores.length ? Math.max(...scores) : null;
}

/** Whether a row keeps to a limit; null where that is not known. */
function keeps(limit, row) {
  const { low, high } = limit.of(row);
  if (limit.most ? high <= limit.limit : low >= limit.limit) return true;
  return (limit.most ? low > limit.limit : high < limit.limit) ? false : null;
}

/** By what share of a limit a row is beyond it. */
function excess(limit, row) {
  const { value } = limit.of(row);
  return (limit.most ? value - limit.limit : limit.limit - value) / (Math.abs(limit.limit) || 1);
}

/** The best score first; of equal ones the smallest vectors, then by name. */
function byWorth(a, b) {
  const order = (left, right) => (left === right ? 0 : left < right ? -1 : 1);
  return order(b.score, a.score) || order(a.bytes, b.bytes) || order(a.model, b.model) || a.place - b.place;
}

/**
 * Answers a budget: limits are {most, limit, of}, where `of` gives what is known of a row.
 *
 * Returns {candidates, fitting, possible, excluded, relax, closest}: the rows with a score; those known to fit, best
 * first; those that fit as far as figures of other sizes tell; for each limit how many break it, are not known to keep
 * to it, and would fit but for it; and where nothing fits, what to relax, least first, and the row that is closest.
 */
function answerBudget(rows, limits) {
  const candidates = rows.filter((row) => row.score !== null).sort(byWorth);
  const failed = new Map(candidates.map((row) => [row, limits.filter((limit) => keeps(limit, row) !== true)]));
  const measured = (row) => limits.every((limit) => limit.of(row).value !== null);
  const fitting = candidates.filter((row) => failed.get(row).length === 0);
  const possible = candidates.filter((row) => measured(row) && limits.every((limit) => keeps(limit, row) !== false));
  const only = (row, limit) => failed.get(row).length === 1 && failed.get(row)[0] === limit;
  const excluded = limits.map((limit) => ({
    limit,
    broken: candidates.filter((row) => keeps(limit, row) === false).length,
    unknown: candidates.filter((row) => keeps(limit, row) === null).length,
    alone: candidates.filter((row) => only(row, limit)).length,
  }));
  const worst = (row) => Math.max(...limits.map((limit) => excess(limit, row)));
  const nearest = possible.length ? [] : candidates.filter(measured).sort((a, b) => worst(a) - worst(b) || byWorth(a, b));
  const relax = limits
    .map((limit) => ({ limit, row: nearest.find((row) => only(row, limit)) }))
    .filter(({ row }) => row)
    .sort((a, b) => worst(a.row) - worst(b.row));
  return { candidates, fitting, possible, excluded, relax, closest: nearest[0] ?? null };
}
