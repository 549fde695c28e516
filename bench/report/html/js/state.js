// What is shown, kept in the address after #, so that it can be linked.

const DEFAULTS = {
  task: "", split: "", subset: "", environment: "",
  model: "", kind: "", precision: "", dim: "",
  sort: "score", order: "down", page: "1", columns: "some",
  x: "", scale: "log",
  size: "", storage: "", search: "", encode: "", memory: "", share: "", score: "",
};

const state = new Map(Object.entries(DEFAULTS));

function readHash() {
  const found = new URLSearchParams(location.hash.slice(1));
  for (const [key, fallback] of Object.entries(DEFAULTS)) state.set(key, found.get(key) ?? fallback);
}

function writeHash() {
  const changed = [...state].filter(([key, value]) => value !== DEFAULTS[key]);
  const text = new URLSearchParams(changed).toString();
  const address = text ? `#${text}` : location.pathname + location.search;
  if (text !== location.hash.slice(1)) history.replaceState(null, "", address);
}

/** The task unit in the address; without one the first whose costs were measured. */
function chosenUnit() {
  const names = [state.get("task"), state.get("split"), state.get("subset")];
  const asked = UNITS.find((unit) => unit.names.every((name, place) => name === names[place]));
  return asked ?? UNITS.find((unit) => unit.tables.some((table) => table.environment !== null)) ?? UNITS[0];
}

/** Its table of the environment in the address; without one of that in which most models were measured. */
function chosenTable() {
  const { tables } = chosenUnit();
  const measured = Math.max(...tables.map((table) => table.encoding.model.length));
  return (
    tables.find((table) => table.environment === state.get("environment")) ??
    tables.find((table) => table.encoding.model.length === measured)
  );
}

function chooseUnit(unit) {
  ["task", "split", "subset"].forEach((key, place) => state.set(key, unit.names[place]));
}
