// Verdicts of gates: a row for each gate, a column for each attempt.
const MOST_COLUMNS = 120;

function gatesView(run) {
  const columns = [];
  const gates = new Map();
  for (const one of run.executions) {
    for (const attempt of one.attempts) {
      if (!attempt.checks) continue;
      const verdicts = new Map();
      for (const check of attempt.checks) {
        const key = `${check.gate}\n${one.of || one.step}`;
        gates.set(key, [check.gate, one.of || one.step]);
        verdicts.set(key, check);
      }
      columns.push({ one, attempt, verdicts });
    }
  }
  if (!columns.length) return null;
  const box = h("div");
  const proof = h("div", { class: "proof", "aria-live": "polite" });
  let until = columns.length;
  const draw = () => {
    const from = Math.max(0, until - MOST_COLUMNS);
    const some = columns.slice(from, until);
    const repeated = new Set(some.filter(({ attempt }) => attempt.n > 1).map(({ one }) => one));
    const table = h("table", { class: "matrix" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Gate"), some.map(({ one, attempt }) => h("th", { scope: "col",
        title: shown(`${name(one)}, turn ${one.turn}, attempt ${attempt.n}`) }, h("span", {}, String(one.turn || "\u2013")),
      (repeated.has(one) || attempt.n > 1) && h("small", {}, `.${attempt.n}`))))),
      h("tbody", {}, [...gates].filter(([key]) => some.some(({ verdicts }) => verdicts.has(key))).map(([key, [gate, step]]) => h("tr", {},
        h("th", { scope: "row" }, said(gate), h("small", {}, said(step))),
        some.map((column) => cell(column, column.verdicts.get(key), proof))))));
    const pages = columns.length > MOST_COLUMNS && h("div", { class: "controls" },
      button("Earlier", () => { until = Math.max(MOST_COLUMNS, until - MOST_COLUMNS); draw(); }, { disabled: from === 0 }),
      h("span", { class: "about" }, `${count(from + 1)}\u2013${count(until)} of ${many(columns.length, "attempt")}`),
      button("Later", () => { until = Math.min(columns.length, until + MOST_COLUMNS); draw(); }, { disabled: until === columns.length }));
    box.replaceChildren(...[pages, h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Gates, can be scrolled" }, table)].filter(Boolean));
    requestAnimationFrame(() => { const scroller = box.querySelector(".wide"); scroller.scrollLeft = scroller.scrollWidth; });
  };
  draw();
  return h("div", {}, box, h("p", { class: "about below" }, "Columns are turns; turn.attempt where there was more than one. Select a verdict for its proof."), proof);
}

function cell({ one, attempt }, check, proof) {
  if (!check) return h("td", {}, h("span", { class: "none", "aria-label": "not checked" }, "\u00b7"));
  const word = check.passed ? "passed" : "failed";
  return h("td", {}, button(sign(word), () => proof.replaceChildren(
    h("p", { class: "about" }, "Turn ", String(one.turn), ", ", said(name(one)), `, attempt ${attempt.n} `, button("Show in the timeline", () => page.timeline.goTo(one), { class: "link" })),
    checkDetail(check, one, true)), { class: `verdict ${TONES[word]}`, "aria-label": shown(`${check.gate}, turn ${one.turn}, attempt ${attempt.n}: ${word}`) }));
}
