// How numbers are written, and how what people type is read.

function withCommas(text) {
  const [whole, ...rest] = text.split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
}

/** Three significant digits without an exponent. */
function significant(value) {
  if (value === 0) return "0";
  let digits = 2;
  let size = Math.abs(value);
  for (; size >= 10 && digits > 0; digits -= 1) size /= 10;
  for (; size < 1 && digits < 6; digits += 1) size *= 10;
  return withCommas(value.toFixed(digits));
}

function countText(value) {
  return withCommas(String(value));
}

function plural(count, one, many) {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

function bytesText(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
  const place = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${place === 0 ? countText(Math.round(value)) : significant(value / 1000 ** place)} ${units[place]}`;
}

function millisecondsText(value) {
  return `${significant(value)} ms`;
}

function percentText(value) {
  return `${(100 * value).toFixed(1)}%`;
}

const NUMBER = String.raw`(\d+(?:\.\d*)?|\.\d+)(?:e\+?(\d{1,2}))?`;
const BYTES = { "": 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 };
const MILLISECONDS = { "": 1, us: 0.001, ms: 1, s: 1000 };
const COUNTS = { "": 1, k: 1e3, m: 1e6, b: 1e9 };

/** A number above 0 in one of the units; null of anything else. Commas and underscores may stand between digits. */
function readNumber(text, units) {
  const plain = text.trim().replace(/(?<=\d)[_,](?=\d)/g, "");
  const found = new RegExp(`^${NUMBER}\\s*(${Object.keys(units).join("|")})$`, "i").exec(plain);
  const value = found && Number(`${found[1]}e${found[2] ?? 0}`) * units[found[3].toLowerCase()];
  return value > 0 && value < Infinity ? value : null;
}

/** Bytes of `2GB`, `500 MB`, `1GiB` or `2000`. */
function readBytes(text) {
  return readNumber(text, BYTES);
}

/** Milliseconds of `5`, `5 ms` or `0.2s`. */
function readMilliseconds(text) {
  return readNumber(text, MILLISECONDS);
}

/** A whole number of `1000000`, `1_000_000`, `1,000,000`, `1M` or `1e6`. */
function readCount(text) {
  const value = readNumber(text, COUNTS);
  const whole = Math.round(value);
  // 1.1M is a whole number but for the rounding of its product.
  return whole >= 1 && whole <= 1e12 && Math.abs(value - whole) < 1e-6 ? whole : null;
}

/** A share of `95%` or `0.95`. */
function readShare(text) {
  const value = readNumber(text, { "": 1, "%": 0.01 });
  return value <= 1 ? value : null;
}

/** A score, which may be below 0. */
function readScore(text) {
  const plain = text.trim();
  return /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(plain) ? Number(plain) : null;
}

/** A word of a command line as a shell reads it, whatever the name. */
function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
