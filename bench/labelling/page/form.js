// The answers, from keys and buttons to a CSV. Text from files only ever becomes text nodes and cells.

const byId = (id) => document.getElementById(id);
const DATA = JSON.parse(byId("data").textContent);
const PAIRS = DATA.pairs.map(([queryId, documentId, query, found, pair]) => ({
  queryId, documentId, query: DATA.texts[query], document: DATA.texts[found], pair,
}));
const NAMES = { 1: "relevant", 0: "not relevant", s: "skipped" };
const FORMULA = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

// By pair: "1", "0", "s" (skipped) or "" (open), and a note.
const answers = PAIRS.map(() => ({ answer: "", note: "" }));
const history = [];
let current = 0;
let kept = true;
let downloaded = false;

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(DATA.key) ?? "[]");
    stored.slice(0, answers.length).forEach(({ answer, note }, place) => {
      answers[place] = { answer: Object.hasOwn(NAMES, answer) ? answer : "", note: String(note ?? "") };
    });
  } catch {
    kept = false;
  }
}

function save() {
  downloaded = false;
  try {
    localStorage.setItem(DATA.key, JSON.stringify(answers));
  } catch {
    kept = false;
  }
}

function spreadsheetText(text) {
  return FORMULA.test(text) ? `'${text}` : text;
}

function csv() {
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = PAIRS.map((pair, place) => {
    const { answer, note } = answers[place];
    const label = answer === "s" ? "" : answer;
    const texts = [spreadsheetText(pair.query), spreadsheetText(pair.document)];
    return [pair.queryId, pair.documentId, ...texts, label, spreadsheetText(note), pair.pair, DATA.pool];
  });
  return [DATA.columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", csv()], { type: "text/csv" }));
  link.download = DATA.file;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  downloaded = true;
  draw();
}

function done() {
  return answers.filter(({ answer }) => answer !== "").length;
}

function message() {
  if (!PAIRS.length) return "There is nothing to label.";
  if (!kept) return "This browser keeps nothing: download the CSV before you close the page.";
  if (downloaded) return `Saved as ${DATA.file}.`;
  return done() === PAIRS.length ? "All pairs are done: download the CSV." : "";
}

function draw() {
  const pair = PAIRS[current];
  const { answer, note } = answers[current] ?? { answer: "", note: "" };
  byId("query").textContent = pair?.query ?? "";
  byId("document").textContent = pair?.document ?? "";
  byId("answer").textContent = NAMES[answer] ?? "";
  byId("answer").className = { 1: "yes", 0: "no" }[answer] ?? "";
  byId("yes").setAttribute("aria-pressed", answer === "1");
  byId("no").setAttribute("aria-pressed", answer === "0");
  byId("note").value = note;
  byId("previous").disabled = current === 0;
  byId("next").disabled = current >= PAIRS.length - 1;
  byId("undo").disabled = !history.length;
  byId("progress").max = Math.max(PAIRS.length, 1);
  byId("progress").value = done();
  byId("count").textContent = PAIRS.length ? `pair ${current + 1} of ${PAIRS.length}, ${done()} done` : "";
  byId("download").classList.toggle("ready", PAIRS.length > 0 && done() === PAIRS.length && !downloaded);
  byId("message").textContent = message();
}

function move(place) {
  current = Math.max(0, Math.min(place, PAIRS.length - 1));
  byId("document").scrollTop = 0;
  scrollTo(0, 0);
  draw();
}

function give(answer) {
  if (!PAIRS.length) return;
  history.push([current, answers[current].answer]);
  answers[current].answer = answer;
  save();
  move(current + 1);
}

function undo() {
  const last = history.pop();
  if (!last) return;
  answers[last[0]].answer = last[1];
  save();
  move(last[0]);
}

const ACTIONS = {
  1: () => give("1"),
  0: () => give("0"),
  s: () => give("s"),
  u: undo,
  n: () => byId("note").focus(),
  ArrowLeft: () => move(current - 1),
  ArrowRight: () => move(current + 1),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === byId("note")) {
    if (event.key === "Enter" || event.key === "Escape") byId("pair").focus();
    return;
  }
  const action = ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || event.repeat) return;
  event.preventDefault();
  action();
});
byId("note").addEventListener("input", () => {
  if (!PAIRS.length) return;
  answers[current].note = byId("note").value;
  save();
});
const BUTTONS = { yes: "1", no: "0", skip: "s", undo: "u", previous: "ArrowLeft", next: "ArrowRight" };
for (const [id, key] of Object.entries(BUTTONS)) byId(id).addEventListener("click", ACTIONS[key]);
byId("download").addEventListener("click", download);

load();
const open = answers.findIndex(({ answer }) => answer === "");
move(open < 0 ? 0 : open);
document.documentElement.classList.add("ready");
