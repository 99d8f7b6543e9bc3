// Every step as something that folds; the content is made when it is opened.
function stepFold(one) {
  const spent = total(one);
  const checks = one.attempts.flatMap((attempt) => attempt.checks || []);
  const failed = checks.filter((check) => !check.passed).length;
  const facts = [one.items && many(one.items.length, "item"), one.attempts.length > 1 && many(one.attempts.length, "attempt"),
    checks.length > 0 && (failed ? `${many(failed, "gate")} failed` : `${many(checks.length, "gate")} passed`),
    one.attempts.some((attempt) => attempt.child !== undefined) && "child run", spent.tokens > 0 && `${short(spent.tokens)} tokens`, spent.cost > 0 && dollars(spent.cost, spent.unknown)];
  const body = h("div", { class: "fold-body" });
  const element = h("details", { class: `step ${TONES[verdict(one)]}` }, h("summary", {}, h("span", { class: "turn" }, one.items ? "" : String(one.turn || "")), sign(verdict(one)),
    hidden(`${WORDS[verdict(one)] || one.status}: `), said(name(one), { class: "label" }), h("span", { class: "about" }, facts.filter(Boolean).join(" \u00b7 ")), h("span", { class: "took" }, span(took(one)))), body);
  element.addEventListener("toggle", () => { if (element.open && !body.hasChildNodes()) body.append(executionDetail(one)); });
  return element;
}

function stepsView(run) {
  const all = topLevel(run).flatMap((one) => [one, ...(one.items || []).map((item) => everyone[item])]);
  const list = h("div", { class: "steps" });
  const kinds = { all: "All", failed: "With a failure", retried: "With more than one attempt" };
  const tests = { all: () => true, retried: (one) => one.attempts.length > 1,
    failed: (one) => one.status === "failed" || one.attempts.some((attempt) => attempt.error || (attempt.checks || []).some((check) => !check.passed)) };
  const choose = h("select", { id: "which-steps", on: { change: () => draw() } }, Object.entries(kinds).map(([key, word]) => h("option", { value: key }, `${word} (${count(all.filter(tests[key]).length)})`)));
  const draw = () => {
    const some = all.filter(tests[choose.value]);
    list.replaceChildren(some.length ? inParts(some, 30, stepFold) : h("p", { class: "about" }, "There is none."));
  };
  draw();
  return h("div", {}, h("div", { class: "controls" }, h("label", { for: "which-steps" }, "Show"), choose),
    run.leftOut > 0 && h("p", { class: "cut" }, `${many(run.leftOut, "step")} of this run are not in this page; the first ones, failures and the last ones are. `, h("code", {}, command())), list);
}
