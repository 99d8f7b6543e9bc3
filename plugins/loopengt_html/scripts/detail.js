// All that is known of one execution, or of a part of it.
const MANY_CALLS = 20;

const fact = (label, value) => (value === null || value === undefined || value === "" ? null : h("div", {}, h("dt", {}, label), h("dd", {}, said(value))));
const callout = (tone, title, ref, one) => h("div", { class: `callout ${tone}` }, h("strong", {}, title), textBox(ref, { one, label: title }));

function callDetail(call, one, isOpen = false) {
  const facts = [call.status || "no result", span(call.to === undefined ? null : call.to - call.from), ...used(call)];
  return fold([h("span", { class: `tag ${call.kind}` }, call.kind), " ", sign(call.status), " ", said(call.name || "?", { class: "code" })],
    () => {
      const parts = [];
      const given = call.given ? entry(call.given) : null;
      let change = null;
      if (given && given.k === "j" && "s" in given) {
        try { change = asChange(JSON.parse(given.s)); } catch { change = null; }
      }
      if (change) parts.push(h("h5", {}, "Change"), change);
      else if (call.given) parts.push(h("h5", {}, "Input"), textBox(call.given, { one, label: "Input" }));
      if (call.error) parts.push(h("h5", {}, "Error"), textBox(call.error, { one, label: "Error" }));
      if (call.output) parts.push(h("h5", {}, call.kind === "model" ? "Answer" : "Result"), textBox(call.output, { one, label: "Result" }));
      if (!parts.length) parts.push(h("p", { class: "about" }, "Nothing more is recorded of it."));
      return parts;
    }, { more: facts.join(" \u00b7 "), tone: call.status === "failed" ? "bad" : "", open: isOpen });
}

function checkDetail(check, one, isOpen = false) {
  return fold([pill(check.passed ? "passed" : "failed"), " ", said(check.gate, { class: "code" }), check.kind && h("span", { class: "about" }, ` ${check.kind}`)],
    () => [check.summary && h("p", {}, said(check.summary)),
      !check.passed && check.feedback && [h("h5", {}, "Feedback"), textBox(check.feedback, { one, label: "Feedback" })],
      check.proof && (check.feedback && !check.passed ? fold("Proof", () => proofView(check.proof, one)) : [h("h5", {}, "Proof"), proofView(check.proof, one)]),
      !check.summary && !check.feedback && !check.proof && h("p", { class: "about" }, "The gate gives no proof.")].flat(2).filter(Boolean),
    { more: [span(check.seconds || 0), ...used(check)].join(" \u00b7 "), tone: check.passed ? "" : "bad", open: isOpen });
}

/** A proof: what a program printed as text, the rest as it is. */
function proofView(ref, one) {
  const found = entry(ref);
  if (found.k === "j" && "s" in found) {
    try {
      const { output_tail: printed, ...rest } = JSON.parse(found.s);
      if (typeof printed === "string") {
        const facts = Object.entries(rest).map(([key, value]) => [key.replaceAll("_", " "), Array.isArray(value) ? value.join(" ") : value]);
        if (facts.every(([, value]) => value === null || typeof value !== "object")) {
          return h("div", {}, h("dl", { class: "small-facts" }, facts.map(([key, value]) => fact(key, value))), printed && textBox(printed, { one, label: "Printed" }));
        }
      }
    } catch { /* shown as it is */ }
  }
  return textBox(ref, { one, label: "Proof" });
}

function callsView(calls, left, one) {
  const box = h("div", { class: "calls" });
  const first = calls.length > MANY_CALLS ? calls.slice(0, MANY_CALLS / 2) : calls;
  box.append(...first.map((call) => callDetail(call, one)));
  let at = first.length;
  if (at < calls.length) {
    const more = button("", () => {
      more.before(...calls.slice(at, at + 100).map((call) => callDetail(call, one)));
      at = Math.min(calls.length, at + 100);
      label();
    }, { class: "small" });
    const label = () => { more.textContent = `Show ${Math.min(100, calls.length - at)} of ${many(calls.length - at, "further call")}`; more.hidden = at >= calls.length; };
    label();
    box.append(more);
  }
  if (left) box.append(h("p", { class: "cut" }, `${many(left, "call")} not in this page. `, h("code", {}, stepCommand(one))));
  return box;
}

function attemptDetail(attempt, one, alone) {
  const failed = attempt.error || (attempt.checks || []).some((check) => !check.passed);
  const files = changedFiles(attempt);
  return h("div", { class: "attempt" },
    !alone && h("h4", {}, sign(failed ? "failed" : attempt.answered === undefined ? "running" : "ok"), ` Attempt ${attempt.n}`,
      h("span", { class: "about" }, [attempt.after && ` after ${{ error: "an error", gate: "a gate failed", rate_limit: "a rate limit" }[attempt.after] || attempt.after}`,
        attempt.waited && `, waited ${span(attempt.waited)}`].filter(Boolean).join(""))),
    h("dl", { class: "small-facts" }, fact("Answered in", attempt.answered === undefined ? "no answer" : span(attempt.answered - (attempt.asked ?? attempt.from))),
      fact("Model", [attempt.provider, attempt.model].filter(Boolean).join(" \u00b7 ")), fact("Used", alone ? "" : used(attempt).join(" \u00b7 ")), fact("Origin", attempt.origin),
      fact("Files changed", files.slice(0, 12).join(", ") + (files.length > 12 ? ` and ${files.length - 12} more` : "")), fact("Child run", attempt.childId)),
    attempt.error && callout("bad", "Error", attempt.error, one),
    (attempt.checks || []).map((check) => checkDetail(check, one, !check.passed)),
    textFold("Output", attempt.output, { one, open: true }),
    attempt.empty && h("p", { class: "about" }, "The output is empty."),
    textFold("Prompt", attempt.prompt, { one }),
    (attempt.calls || []).length > 0 && fold("Calls", () => callsView(attempt.calls, attempt.callsLeft, one),
      { more: many(attempt.calls.length + (attempt.callsLeft || 0), "call"), open: attempt.calls.length <= 6 }),
    (attempt.scores || []).length > 0 && h("div", {}, h("h5", {}, "Judges"), attempt.scores.map((score) => scoreView(score))));
}

function executionDetail(one) {
  const spent = total(one);
  const lone = one.attempts.length === 1;
  return h("div", { class: "detail-body" },
    h("dl", { class: "small-facts" }, fact("Turn", one.items ? "" : String(one.turn || "")), fact("Agent", one.agent), fact("Began", moment(one.from)),
      fact("Took", span(took(one))), fact("Attempts", one.items ? "" : String(one.attempts.length + (one.attemptsLeft || 0))),
      fact("Used", used(spent).join(" \u00b7 ")), fact("Items", one.items ? String(one.items.length) : "")),
    one.why && callout(one.status === "failed" ? "bad" : "held", one.status === "skipped" ? "Skipped because" : "Why", one.why, one),
    one.attemptsLeft && h("p", { class: "cut" }, `${many(one.attemptsLeft, "attempt")} not in this page. `, h("code", {}, stepCommand(one))),
    one.attempts.map((attempt) => attemptDetail(attempt, one, lone)),
    one.items && h("ul", { class: "row-list" }, one.items.slice(0, 200).map((item) => h("li", {}, button([sign(verdict(everyone[item])), " ", said(everyone[item].step)],
      () => page.timeline.goTo(everyone[item]), { class: "link" })))));
}

/** What the panel beside the timeline shows of a row. */
function rowDetail(row) {
  const title = h("h3", {}, sign(row.status), " ", said(row.label));
  const where = row.kind === "step" ? null : h("p", { class: "about" }, "in ", said(name(row.one)), `, turn ${row.one.turn || "\u2013"}`);
  if (row.call) return [title, where, callDetail(row.call, row.one, true)];
  if (row.check) return [title, where, checkDetail(row.check, row.one, true)];
  if (row.attempt) return [title, where, attemptDetail(row.attempt, row.one, true)];
  return [title, executionDetail(row.one)];
}
