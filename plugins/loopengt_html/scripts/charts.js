// Where tokens, money and time went, by step and as the run went on.
const CHART = { width: 560, narrow: 330, height: 190, left: 52, right: 12, top: 12, bottom: 26 };

function barsOf(entries, key, write) {
  const most = Math.max(...entries.map((one) => one[key]));
  if (!(most > 0)) return null;
  const sum = entries.reduce((all, one) => all + one[key], 0);
  const some = [...entries].sort((a, b) => b[key] - a[key]).slice(0, 12);
  return h("ul", { class: "bars" }, some.map((one) => h("li", {}, said(one.step, { class: "label", title: shown(one.step) }),
    s("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", class: "meter accent", "aria-hidden": "true" },
      s("rect", { width: 100, height: 10, class: "back" }), s("rect", { width: (one[key] / most) * 100, height: 10, class: "value" })),
    h("span", { class: "value" }, write(one), h("small", {}, ` ${Math.round((100 * one[key]) / sum)}%`)))),
  entries.length > some.length && h("li", { class: "about" }, `and ${many(entries.length - some.length, "further step")}`));
}

function growth(run, index, write, title) {
  const last = run.growth[run.growth.length - 1];
  if (!last || !(last[index] > 0)) return null;
  const scale = new Scale(run);
  const { height, left, right, top, bottom } = CHART;
  const width = phone.matches ? CHART.narrow : CHART.width;
  const x = (time) => left + scale.at(time) * (width - left - right);
  const y = (value) => height - bottom - (value / last[index]) * (height - top - bottom);
  let line = `M${x(run.from).toFixed(1)},${y(0)}`;
  for (const point of run.growth) line += `H${x(point[0]).toFixed(1)}V${y(point[index]).toFixed(1)}`;
  line += `H${width - right}`;
  const area = `${line}V${y(0)}H${left}Z`;
  const marks = [0.5, 1].map((share) => s("g", { class: "rule" }, s("line", { x1: left, x2: width - right, y1: y(last[index] * share), y2: y(last[index] * share) }),
    s("text", { x: left - 6, y: y(last[index] * share) + 4, "text-anchor": "end" }, write(last[index] * share))));
  const ticks = scale.ticks(phone.matches ? 3 : 5).map(([share, seconds]) => s("text", { x: left + share * (width - left - right), y: height - 8, "text-anchor": share > 0.94 ? "end" : share < 0.02 ? "start" : "middle" }, tickText(seconds)));
  const pauses = scale.pauses.map(([since, until]) => s("rect", { x: x(since), width: Math.max(1, x(until) - x(since)), y: top, height: height - top - bottom, class: "pause" }));
  return h("figure", {}, h("figcaption", {}, title),
    s("svg", { viewBox: `0 0 ${width} ${height}`, class: "growth", role: "img", "aria-label": `${title}: ${write(last[index])} at the end` },
      pauses, marks, s("path", { d: area, class: "area" }), s("path", { d: line, class: "line" }), s("g", { class: "ticks" }, ticks)));
}

function chartsView(run) {
  const steps = run.perStep;
  const figures = [["Tokens by step", barsOf(steps, "tokens", (one) => count(one.tokens))],
    ["Cost by step", barsOf(steps, "cost", (one) => dollars(one.cost, one.unknown))],
    ["Time by step", barsOf(steps, "seconds", (one) => span(one.seconds))]].filter(([, view]) => view);
  const lines = [growth(run, 1, short, "Tokens, cumulative"), growth(run, 2, (cost) => dollars(cost, 0), "Cost, cumulative")].filter(Boolean);
  if (!figures.length && !lines.length) return null;
  return h("div", {}, !lines.length && h("p", { class: "about spaced" }, "No agent of this run reports tokens or cost."),
    h("div", { class: "charts" }, figures.map(([title, view]) => h("figure", {}, h("figcaption", {}, title), view))), lines.length > 0 && h("div", { class: "charts lines" }, lines),
    fold("As a table", () => h("div", { class: "wide" }, h("table", {}, h("thead", {}, h("tr", {}, ["Step", "Turns", "Time", "Tokens", "Cost"].map((word) => h("th", { scope: "col" }, word)))),
      h("tbody", {}, steps.map((one) => h("tr", {}, h("th", { scope: "row" }, said(one.step)), h("td", {}, count(one.turns)), h("td", {}, span(one.seconds)), h("td", {}, count(one.tokens)), h("td", {}, dollars(one.cost, one.unknown)))))))));
}
