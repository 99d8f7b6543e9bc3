// The rows of the timeline: executions, and below them attempts, calls, gates and child runs.
function topLevel(run) {
  return run.executions.filter((one) => one.parent === undefined);
}

function callRow(call, depth, holder, one) {
  const label = call.name || call.kind;
  return { key: `${holder.key}/${holder.next++}`, depth, kind: call.kind, label, from: call.from, to: call.to ?? one.to ?? call.from,
    status: call.status || "open", call, one, up: holder };
}

function checkRow(check, depth, holder, one) {
  return { key: `${holder.key}/${holder.next++}`, depth, kind: "gate", label: check.gate, from: check.at - (check.seconds || 0),
    to: check.at, status: check.passed ? "passed" : "failed", check, one, up: holder };
}

/** What stands below an attempt: its calls and gates in time, and its child run. */
function belowAttempt(attempt, depth, holder, one) {
  const rows = [...(attempt.calls || []).map((call) => callRow(call, depth, holder, one))];
  if (attempt.child !== undefined) {
    rows.push(...topLevel(data.runs[attempt.child]).map((child) => executionRow(child, depth, holder)));
  }
  rows.push(...(attempt.checks || []).map((check) => checkRow(check, depth, holder, one)));
  return rows.sort((a, b) => a.from - b.from);
}

function attemptRow(attempt, depth, holder, one, end) {
  const failed = attempt.error || (attempt.checks || []).some((check) => !check.passed);
  const row = { key: `${holder.key}/a${attempt.n}.${holder.next++}`, depth, kind: "attempt", label: `attempt ${attempt.n}`, from: attempt.from,
    to: end, status: failed ? "failed" : one.status === "completed" || attempt.to !== undefined ? "ok" : one.status, attempt, one, up: holder, next: 0 };
  const below = (attempt.calls || []).length + (attempt.checks || []).length + (attempt.child !== undefined ? 1 : 0);
  row.below = below ? () => belowAttempt(attempt, depth + 1, row, one) : null;
  return row;
}

function executionRow(one, depth, holder) {
  const row = { key: `x${one.n}`, depth, kind: "step", label: name(one), from: one.from, to: one.to ?? data.runs[one.run].to, status: verdict(one),
    one, up: holder, next: 0 };
  const [first, ...others] = one.attempts;
  if (one.items) row.below = () => one.items.map((item) => executionRow(everyone[item], depth + 1, row));
  else if (others.length) {
    row.below = () => one.attempts.map((attempt, at) => attemptRow(attempt, depth + 1, row, one,
      attempt.to ?? one.attempts[at + 1]?.from ?? row.to));
  } else if (first && ((first.calls || []).length || (first.checks || []).length || first.child !== undefined)) {
    row.below = () => belowAttempt(first, depth + 1, row, one);
  }
  return row;
}

/** The rows that are seen, with those below the open ones. */
function flatten(roots, isOpen) {
  const rows = [];
  const add = (row) => {
    rows.push(row);
    if (row.below && isOpen.has(row.key)) {
      row.children ||= row.below();
      row.children.forEach(add);
    }
  };
  roots.forEach(add);
  return rows;
}

/** The parts of a bar: waiting, the agent, its gates. */
function bars(row) {
  if (row.kind !== "step" && row.kind !== "attempt") return [{ from: row.from, to: row.to, kind: row.kind, status: row.status }];
  if (row.one.items) return [{ from: row.from, to: row.to, kind: "group", status: row.status }];
  const found = [];
  const attempts = row.kind === "attempt" ? [row.attempt] : row.one.attempts;
  attempts.forEach((attempt, at) => {
    const end = attempt.to ?? attempts[at + 1]?.from ?? row.to;
    const asked = attempt.asked ?? attempt.from;
    if (attempt.waited) found.push({ from: Math.max(row.from, attempt.from - attempt.waited), to: asked, kind: "wait", status: "" });
    const answered = attempt.answered ?? end;
    found.push({ from: asked, to: Math.max(asked, answered), kind: attempt.child === undefined ? "agent" : "child",
      status: attempt.error ? "failed" : attempt.answered === undefined ? row.one.status : "ok" });
    for (const check of attempt.checks || []) {
      found.push({ from: Math.max(asked, check.at - (check.seconds || 0)), to: check.at, kind: "gate", status: check.passed ? "passed" : "failed" });
    }
  });
  if (!found.length) found.push({ from: row.from, to: row.to, kind: "agent", status: row.status });
  return found;
}
