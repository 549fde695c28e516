// From the state to the page, whole, whenever something changes.

function draw() {
  const unit = chosenUnit();
  const table = chosenTable();
  const rows = rowsOf(table);
  drawChoosers(table, rows);
  byId("columns").checked = state.get("columns") === "all";
  const shown = filterRows(rows);
  const chosen = drawAnswer(unit, table, rows);
  drawChart(table, rows, shown, chosen);
  drawTable(table, rows, shown, chosen, changed);
  drawNotes(table, rows);
  writeHash();
}

function changed() {
  draw();
}

/** A change of what is shown begins at the first page. */
function narrowed() {
  state.set("page", "1");
  draw();
}

readHash();
listenToFilters(narrowed);
listenToTable(changed);
listenToChart(changed);
listenToBudget(changed);
addEventListener("hashchange", () => {
  readHash();
  draw();
});
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) requestAnimationFrame(draw);
  width = innerWidth;
});
draw();
document.documentElement.classList.add("ready");
