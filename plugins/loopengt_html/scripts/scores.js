// What judges say: scores against their thresholds.
function meter(value, threshold, tone) {
  const picture = s("svg", { class: `meter ${tone}`, viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { width: 100, height: 10, class: "back" }), s("rect", { width: Math.max(0, Math.min(1, value)) * 100, height: 10, class: "value" }));
  if (typeof threshold === "number") picture.append(s("rect", { x: Math.min(99, threshold * 100), width: 0.35, height: 10, class: "threshold" }));
  return picture;
}

const figure = (value) => (typeof value === "number" ? value.toFixed(2) : "\u2013");

function scoreView(score, where = null) {
  const tone = score.passed ? "good" : score.passed === false ? "bad" : "quiet";
  const criteria = Object.entries(score.criteria || {});
  return h("div", { class: "score" },
    h("div", { class: "score-line" }, said(score.judge || "?", { class: "code" }), typeof score.score === "number" ? meter(score.score, score.threshold, tone) : h("span"), h("strong", {}, figure(score.score)),
      typeof score.passed === "boolean" && pill(score.passed ? "passed" : "failed")),
    h("p", { class: "about" }, [score.threshold !== undefined && `threshold ${figure(score.threshold)}`, score.spread !== undefined && `spread ${figure(score.spread)}`,
      score.scores?.length > 1 && `single scores ${score.scores.map(figure).join(", ")}`, score.gate && `asked by the gate ${shown(score.gate)}`,
      score.evaluation && `evaluation ${shown(score.evaluation)}, after the run`].filter(Boolean).join(" \u00b7 "), where),
    criteria.length > 0 && h("ul", { class: "criteria" }, criteria.map(([criterion, value]) => h("li", {}, said(criterion), meter(value, score.threshold, typeof score.threshold === "number" ? (value >= score.threshold ? "good" : "bad") : "quiet"), h("span", {}, figure(value))))),
    score.reasoning && (entry(score.reasoning).n <= 240 && "s" in entry(score.reasoning) ? h("p", { class: "reasoning" }, said(entry(score.reasoning).s))
      : textFold("Reasoning", score.reasoning)));
}

function scoresView(runs) {
  const all = [];
  for (const run of runs) {
    for (const one of run.executions) for (const attempt of one.attempts) for (const score of attempt.scores || []) all.push([score, one, attempt]);
    for (const score of run.scores) all.push([score, null, null]);
  }
  if (!all.length) return null;
  all.sort(([a], [b]) => a.at - b.at);
  return h("div", { class: "scores" }, inParts(all, 30, ([score, one]) => scoreView(score,
    one && [" \u00b7 ", button([said(name(one)), `, turn ${one.turn}`], () => page.timeline.goTo(one), { class: "link" })])));
}

/** A list that grows on demand. */
function inParts(entries, each, make) {
  const box = h("div", { class: "parts" });
  let at = 0;
  const more = button("", () => add(), { class: "small" });
  const add = () => {
    more.before(...entries.slice(at, at + each).map(make));
    at = Math.min(entries.length, at + each);
    more.textContent = `Show ${Math.min(each, entries.length - at)} more of ${count(entries.length - at)}`;
    more.hidden = at >= entries.length;
  };
  box.append(more);
  add();
  return box;
}
