// The trade-off between the score and a cost, as a drawing that answers to the pointer and to the arrow keys.

const MOST_POINTS = 2000;
const MOST_HUES = 8;
const SHAPES = [
  "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z",
  "M-4.5,-4.5h9v9h-9z",
  "M0,-5.8L5.6,4.4H-5.6z",
  "M0,-6.4L6.4,0L0,6.4L-6.4,0z",
  "M0,5.8L5.6,-4.4H-5.6z",
  "M-1.8,-5.6h3.6v3.8h3.8v3.6h-3.8v3.8h-3.6v-3.8h-3.8v-3.6h3.8z",
  "M0,-6.2L5.9,-1.9L3.6,5H-3.6L-5.9,-1.9z",
  "M-5.5,-3L0,-6L5.5,-3V3L0,6L-5.5,3z",
];
const OTHER = { hue: "other", shape: "M-3,0a3,3 0 1,0 6,0a3,3 0 1,0 -6,0z" };

// What the pointer and the keys act on: the points as drawn, by x, and the one that is looked at.
const chart = { points: [], current: -1 };

/** The cost columns that can be an axis: those of which less is better. */
function axisColumns(table) {
  return figureColumns(table).filter((column) => column.low === true);
}

function chosenAxis(table) {
  const columns = axisColumns(table);
  return columns.find(({ key }) => key === state.get("x")) ?? columns[0] ?? null;
}

/** A hue and a shape for each model, or for the best of many; the others share one. */
function modelMarks(rows, shown) {
  const all = [...new Set(rows.map((row) => row.model))];
  if (all.length <= MOST_HUES) return new Map(all.map((name, place) => [name, { hue: place, shape: SHAPES[place] }]));
  const names = [...new Set(shown.map((row) => row.model))].slice(0, MOST_HUES);
  return new Map(names.map((name, place) => [name, { hue: place, shape: SHAPES[place] }]));
}

/** Draws the chart; `chosen` is the place of the row that answers the budget. */
function drawChart(table, rows, shown, chosen) {
  const column = chosenAxis(table);
  fillSelect(byId("x"), axisColumns(table).map(({ key, title }) => [key, title]), column?.key ?? "");
  const log = state.get("scale") !== "linear";
  for (const option of document.querySelectorAll("input[name=scale]")) option.checked = (option.value === "log") === log;
  hideTip();
  const known = column ? shown.filter((row) => row.score !== null && column.value(row) !== null) : [];
  const placeable = known.filter((row) => !log || column.value(row) > 0);
  const drawn = [...placeable].sort((a, b) => b.score - a.score).slice(0, MOST_POINTS);
  chart.points = drawn.map((row) => ({ row, x: column.value(row), y: row.score }));
  chart.points.sort((a, b) => a.x - b.x || b.y - a.y);
  chart.current = -1;
  byId("chart-note").textContent = chartNote({ shown, known, placeable, drawn, column });
  const svg = byId("chart");
  if (!chart.points.length) {
    svg.replaceChildren();
    byId("keys").replaceChildren();
    return;
  }
  const marks = modelMarks(rows, shown);
  const front = new Set(paretoFront(chart.points));
  const frame = chartFrame(svg, column, table, log);
  svg.replaceChildren(...drawAxes(frame), drawFront(frame, [...front]), drawPoints(frame, marks, front, chosen));
  drawKeys(marks, drawn);
}

/** What is left out of the drawing. */
function chartNote({ shown, known, placeable, drawn, column }) {
  if (!column) return "No cost of these was measured.";
  const [left, zero] = [shown.length - known.length, known.length - placeable.length];
  const notes = [];
  if (left) notes.push(`${plural(left, "row has", "rows have")} no score or no ${column.title}.`);
  if (zero) notes.push(`${plural(zero, "row is", "rows are")} at 0, which a log scale cannot show.`);
  if (placeable.length > drawn.length) {
    notes.push(`Drawn are the ${countText(drawn.length)} best scores of ${countText(placeable.length)}.`);
  }
  return notes.join(" ");
}

/** The drawing's size and scales. */
function chartFrame(svg, column, table, log) {
  const width = Math.max(300, Math.round(svg.parentElement.clientWidth));
  const height = width < 600 ? 340 : 430;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const count = plural(chart.points.length, "point", "points");
  const keys = "the arrow keys go from one to the next";
  svg.setAttribute("aria-label", `${table.metric} against ${column.title}; ${count}; ${keys}`);
  const across = makeScale(chart.points.map(({ x }) => x), log);
  const up = makeScale(chart.points.map(({ y }) => y), false);
  // Between the axis's name and the drawing stands the longest number.
  const edge = { left: 34 + 8 * Math.max(...up.ticks.map((tick) => tickText(tick).length)), right: 14, top: 12, bottom: 46 };
  return {
    width, height, edge, across, up, column, metric: table.metric,
    left: (x) => edge.left + across.place(x) * (width - edge.left - edge.right),
    top: (y) => height - edge.bottom - up.place(y) * (height - edge.top - edge.bottom),
  };
}

function drawAxes({ width, height, edge, across, up, column, metric, left, top }) {
  const bottom = height - edge.bottom;
  const lines = [];
  for (const tick of up.ticks) {
    const y = top(tick);
    lines.push(drawing("line", { class: "grid", x1: edge.left, x2: width - edge.right, y1: y, y2: y }));
    lines.push(drawing("text", { class: "tick", x: edge.left - 8, y, dy: "0.32em", "text-anchor": "end" }, tickText(tick)));
  }
  let clear = -Infinity;
  for (const tick of across.ticks) {
    const text = tickText(tick);
    const x = left(tick);
    lines.push(drawing("line", { class: "grid", x1: x, x2: x, y1: edge.top, y2: bottom }));
    // A text that would touch the one before is left out.
    if (x - 4 * text.length < clear) continue;
    clear = x + 4 * text.length + 6;
    lines.push(drawing("text", { class: "tick", x, y: bottom + 18, "text-anchor": "middle" }, text));
  }
  const middle = (edge.left + width - edge.right) / 2;
  const name = `${column.title} (less is better)`;
  lines.push(drawing("text", { class: "axis", x: middle, y: height - 8, "text-anchor": "middle" }, name));
  const turn = `translate(13 ${(edge.top + bottom) / 2}) rotate(-90)`;
  lines.push(drawing("text", { class: "axis", transform: turn, "text-anchor": "middle" }, metric));
  return lines;
}

/** The Pareto front as steps: what can be had for at most so much. */
function drawFront({ width, edge, left, top }, front) {
  const steps = front.map(({ x, y }, place) => `${place ? `H${left(x)}V${top(y)}` : `M${left(x)},${top(y)}`}`);
  return drawing("path", { class: "front", d: `${steps.join("")}H${width - edge.right}` });
}

function drawPoints(frame, marks, front, chosen) {
  const points = chart.points.map((point, index) => {
    const { hue, shape } = marks.get(point.row.model) ?? OTHER;
    Object.assign(point, { front: front.has(point), left: frame.left(point.x), top: frame.top(point.y) });
    const group = drawing("g", {
      class: `point hue-${hue} ${point.row.precision} ${point.front ? "on-front" : ""}`,
      role: "img", tabindex: index ? "-1" : "0", "data-index": index, "data-place": point.row.place,
      transform: `translate(${point.left.toFixed(1)} ${point.top.toFixed(1)})`,
      "aria-label": tipLines(point, frame).join(", "),
    });
    if (point.row.place === chosen) group.append(drawing("circle", { class: "ring", r: 11 }));
    group.append(drawing("path", { d: shape }));
    return group;
  });
  chart.lines = (point) => tipLines(point, frame);
  // What has a hue of its own lies above the others.
  const own = (index) => Number(marks.has(chart.points[index].row.model));
  const order = points.map((_, index) => index).sort((a, b) => own(a) - own(b));
  return drawing("g", {}, ...order.map((index) => points[index]));
}

function tipLines({ row, front }, { column, metric }) {
  return [
    row.model + (row.noisy ? ` ${NOISY_MARK}` : ""),
    [viewText(row), kindText(row)].filter(Boolean).join(", "),
    [`${metric} ${scoreText(row)}`, intervalText(row)].filter(Boolean).join(" "),
    `${column.title} ${column.text(row)}`,
    ...(front ? ["on the Pareto front"] : []),
  ];
}

/** The legend: the hue and shape of each model, and how precisions are filled. */
function drawKeys(marks, drawn) {
  const key = (label, classes, shape) => {
    const marker = drawing("svg", { class: `point ${classes}`, viewBox: "-7 -7 14 14", "aria-hidden": "true" });
    marker.append(drawing("path", { d: shape }));
    return element("li", {}, marker, element("bdi", {}, label));
  };
  const present = new Set(drawn.map((row) => row.model));
  const own = [...marks].filter(([name]) => present.has(name));
  const keys = own.map(([name, { hue, shape }]) => key(name, `hue-${hue}`, shape));
  const others = present.size - own.length;
  if (others) keys.push(key(plural(others, "other model", "other models"), `hue-${OTHER.hue}`, OTHER.shape));
  const precisions = DATA.precisions.filter((name) => drawn.some((row) => row.precision === name));
  if (precisions.length > 1) keys.push(...precisions.map((name) => key(name, name, SHAPES[0])));
  byId("keys").replaceChildren(...keys);
}

function showTip(index) {
  const point = chart.points[index];
  if (!point) return;
  const tip = byId("tip");
  const box = byId("chart").getBoundingClientRect();
  const scale = box.width / byId("chart").viewBox.baseVal.width;
  markCurrent(index);
  tip.replaceChildren(...chart.lines(point).map((line) => element("div", {}, line)));
  tip.hidden = false;
  const room = byId("chart").parentElement.clientWidth - tip.offsetWidth;
  tip.style.left = `${Math.max(0, Math.min(room, point.left * scale - tip.offsetWidth / 2))}px`;
  const above = point.top * scale - tip.offsetHeight - 14;
  tip.style.top = `${above >= 0 ? above : point.top * scale + 14}px`;
}

function markCurrent(index) {
  byId("chart").querySelector(".current")?.classList.remove("current");
  if (index >= 0) byId("chart").querySelector(`[data-index="${index}"]`).classList.add("current");
  chart.current = index;
}

function hideTip() {
  byId("tip").hidden = true;
  markCurrent(-1);
}

/** The point nearest to the pointer, -1 where none is near. */
function nearestPoint(event) {
  const svg = byId("chart");
  const box = svg.getBoundingClientRect();
  const scale = svg.viewBox.baseVal.width / box.width;
  const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  const distances = chart.points.map((point) => Math.hypot(point.left - x, point.top - y));
  const nearest = distances.indexOf(Math.min(...distances));
  return distances[nearest] <= 24 ? nearest : -1;
}

function focusPoint(index) {
  const svg = byId("chart");
  svg.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
  const target = svg.querySelector(`[data-index="${index}"]`);
  target.setAttribute("tabindex", "0");
  target.focus();
}

function listenToChart(changed) {
  const svg = byId("chart");
  svg.addEventListener("pointermove", (event) => {
    const index = nearestPoint(event);
    if (index >= 0) showTip(index);
    else hideTip();
  });
  svg.addEventListener("pointerleave", hideTip);
  // On the element around it: a drawing that listens for focus would itself become a stop of the tab key.
  svg.parentElement.addEventListener("focusin", (event) => showTip(Number(event.target.dataset.index)));
  svg.parentElement.addEventListener("focusout", hideTip);
  svg.addEventListener("keydown", (event) => {
    const from = Number(event.target.dataset.index);
    const last = chart.points.length - 1;
    const to = { ArrowRight: Math.min(last, from + 1), ArrowLeft: Math.max(0, from - 1), Home: 0, End: last }[event.key];
    if (event.key === "Escape") hideTip();
    if (to === undefined) return;
    event.preventDefault();
    focusPoint(to);
  });
  byId("x").addEventListener("change", (event) => {
    state.set("x", event.target.value);
    changed();
  });
  for (const option of document.querySelectorAll("input[name=scale]")) {
    option.addEventListener("change", () => {
      state.set("scale", option.value);
      changed();
    });
  }
}
