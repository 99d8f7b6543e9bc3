// Writes figures as people read them, and verdicts as a sign and a word.
const digits = new Intl.NumberFormat("en-US");
const count = (value) => digits.format(value);
const many = (value, word, words) => `${count(value)} ${value === 1 ? word : words || `${word}s`}`;

function span(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "\u2013";
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
  if (whole < 172800) return `${Math.floor(whole / 3600)}h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}m`;
  return `${Math.floor(whole / 86400)}d ${Math.floor((whole % 86400) / 3600)}h`;
}

/** A time on an axis. */
function tickText(seconds) {
  if (seconds < 60) return seconds ? span(seconds).replace(/\.0+ /, " ") : "0";
  const pad = (value) => String(value).padStart(2, "0");
  const whole = Math.round(seconds);
  const tail = `${pad(Math.floor((whole % 3600) / 60))}:${pad(whole % 60)}`;
  return whole < 3600 ? tail.replace(/^0/, "") : `${Math.floor(whole / 3600)}:${tail}`;
}

function dollars(cost, unknown) {
  if (unknown && !cost) return "cost unknown";
  const text = `$${cost < 0.01 ? cost.toFixed(4) : cost < 100 ? cost.toFixed(3) : cost.toFixed(2)}`;
  return unknown ? `at least ${text}` : text;
}

const short = (value) => (value >= 1e6 ? `${+(value / 1e6).toFixed(1)}M` : value >= 1e3 ? `${+(value / 1e3).toFixed(1)}k`
  : String(+value.toFixed(value < 1 ? 4 : 2)));

/** Seconds between two times of a run, without its pauses. */
function driven(run, from, to) {
  if (to === null || to === undefined) return null;
  return run.pauses.reduce((sum, [since, until]) => sum - Math.max(0, Math.min(to, until) - Math.max(from, since)), to - from);
}

const took = (one) => driven(data.runs[one.run], one.from, one.to);
const lasted = (row) => driven(data.runs[row.one.run], row.from, row.to);

function clock(seconds) {
  if (data.start === null) return span(seconds);
  return new Date((data.start + seconds) * 1000).toISOString().slice(11, 19);
}

function moment(seconds) {
  if (data.start === null) return span(seconds);
  return `${new Date((data.start + seconds) * 1000).toISOString().slice(0, 23).replace("T", " ")} UTC`;
}

const SIGNS = { completed: "\u2713", ok: "\u2713", passed: "\u2713", failed: "\u2715", skipped: "\u2013", running: "\u25cf", refused: "\u25b3" };
const TONES = { completed: "good", ok: "good", passed: "good", failed: "bad", skipped: "quiet", running: "open", refused: "held" };

/** How an execution came out; one that ended with a gate that did not pass is "refused" in the colours alone. */
function verdict(one) {
  const last = one.attempts[one.attempts.length - 1];
  return one.status === "completed" && last && (last.checks || []).some((check) => !check.passed) ? "refused" : one.status;
}

const sign = (status) => h("span", { class: `sign ${TONES[status] || "quiet"}`, "aria-hidden": "true" }, SIGNS[status] || "\u00b7");
const WORDS = { refused: "gate failed" };
const pill = (status, word) => h("span", { class: `pill ${TONES[status] || "quiet"}` }, sign(status), word || WORDS[status] || status);

function name(one) {
  const run = data.runs[one.run];
  return one.lap > 1 || run.pattern === "repeat" ? `${one.step} (lap ${one.lap})` : one.step;
}

function used(one) {
  const facts = [];
  if (one.tokens) facts.push(many(one.tokens, "token"));
  if (one.tokens || one.cost) facts.push(dollars(one.cost, one.unknown));
  return facts;
}

function total(one) {
  const sum = { tokens: 0, cost: 0, unknown: 0 };
  for (const attempt of one.attempts) for (const key of Object.keys(sum)) sum[key] += attempt[key] || 0;
  return sum;
}

const quoted = (word) => (/^[\w.\-#/@:]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`);
const command = (...words) => ["loopengt", "trace", data.run, ...words].map(quoted).join(" ");
const stepCommand = (one) => (one.run === 0 ? command("--step", `${one.step}#${one.lap}`, "--full")
  : ["loopengt", "trace", data.runs[one.run].id, "--step", `${one.step}#${one.lap}`, "--full"].map(quoted).join(" "));
