// Axes, and which points no other point beats.

/** A linear or logarithmic scale from values to [0, 1], with ticks at round numbers. */
function makeScale(values, log) {
  const forward = log ? Math.log10 : (value) => value;
  let low = Math.min(...values.map(forward));
  let high = Math.max(...values.map(forward));
  // Room for markers at the ends, and an axis where all values are the same.
  const margin = high > low ? (high - low) * 0.06 : log ? 0.2 : Math.abs(high) * 0.1 || 1;
  const floor = !log && low >= 0 ? 0 : -Infinity;
  low = Math.max(low - margin, floor);
  high += margin;
  const back = log ? (value) => 10 ** value : (value) => value;
  return { place: (value) => (forward(value) - low) / (high - low), ticks: roundTicks(back(low), back(high), log) };
}

function roundTicks(low, high, log) {
  for (const steps of log ? [[1, 2, 5], [1]] : []) {
    const ticks = decadeTicks(low, high, steps);
    if (ticks.length >= 3 && ticks.length <= 12) return ticks;
  }
  return evenTicks(low, high);
}

function decadeTicks(low, high, steps) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    ticks.push(...steps.map((step) => Number(`${step}e${power}`)).filter((tick) => tick >= low && tick <= high));
  }
  return ticks;
}

function evenTicks(low, high) {
  const rough = (high - low) / 7;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const ticks = [];
  for (let count = Math.ceil(low / step); count * step <= high; count += 1) {
    ticks.push(Number((count * step).toPrecision(12)));
  }
  return ticks;
}

function tickText(value) {
  return value >= 1e6 ? `${withCommas(String(Number((value / 1e6).toPrecision(3))))} M` : withCommas(String(value));
}

/** The points {x, y} that no other dominates: at most as dear, at least as good, better in one; of equal points all. */
function paretoFront(points) {
  const front = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || b.y - a.y)) {
    const last = front.at(-1);
    if (!last || point.y > last.y || (point.y === last.y && point.x === last.x)) front.push(point);
  }
  return front;
}
