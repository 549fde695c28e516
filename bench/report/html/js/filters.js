// Which task, environment, models and views are shown.

const CHOICES = ["kind", "precision", "dim"];

function drawChoosers(table, rows) {
  const unit = chosenUnit();
  fillSelect(byId("task"), UNITS.map(({ title }, place) => [String(place), title]), String(UNITS.indexOf(unit)));
  const environments = unit.tables.map(({ environment }) => [environment ?? "", environmentText(environment)]);
  fillSelect(byId("environment"), environments, table.environment ?? "");
  const kinds = [...new Set(rows.map((row) => row.kind))];
  const dims = [...new Set(rows.map((row) => row.dim))].filter((dim) => dim !== null).sort((a, b) => b - a);
  const precisions = DATA.precisions.filter((name) => rows.some((row) => row.precision === name));
  const known = { kind: kinds, precision: precisions, dim: dims.map(String) };
  for (const key of CHOICES) {
    if (!known[key].includes(state.get(key))) state.set(key, "");
    fillSelect(byId(key), [["", "all"], ...known[key].map((value) => [value, value])], state.get(key));
  }
  byId("model").value = state.get("model");
}

/** The rows whose model has all the words, and whose kind and view are the chosen ones. */
function filterRows(rows) {
  const words = state.get("model").toLowerCase().split(/\s+/);
  return rows.filter(
    (row) =>
      words.every((word) => row.model.toLowerCase().includes(word)) &&
      CHOICES.every((key) => state.get(key) === "" || String(row[key]) === state.get(key)),
  );
}

function listenToFilters(changed) {
  byId("task").addEventListener("change", (event) => {
    chooseUnit(UNITS[Number(event.target.value)]);
    state.set("environment", "");
    changed();
  });
  for (const key of ["environment", ...CHOICES]) {
    byId(key).addEventListener("change", (event) => {
      state.set(key, event.target.value);
      changed();
    });
  }
  byId("model").addEventListener("input", (event) => {
    state.set("model", event.target.value);
    changed();
  });
  byId("reset").addEventListener("click", () => {
    for (const key of ["model", ...CHOICES]) state.set(key, "");
    changed();
  });
}
