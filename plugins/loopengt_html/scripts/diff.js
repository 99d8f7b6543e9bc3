// Shows changes of files: unified diffs, and what tools for editing were given.
const looksLikeDiff = (text) => /^(diff --git |@@ -\d+|--- \S.*\n\+\+\+ )/m.test(text.slice(0, 50000));

function diffLine(line) {
  const kind = /^(\+\+\+|---|diff |index )/.test(line) ? "file" : line.startsWith("@@") ? "place"
    : line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "";
  return h("span", { class: `line ${kind}`, text: line || " " });
}

function diffLines(text) {
  const lines = text.replace(/\n$/, "").split("\n");
  const parts = document.createDocumentFragment();
  for (const line of lines.slice(0, 4000)) parts.append(diffLine(line));
  if (lines.length > 4000) parts.append(h("span", { class: "line", text: lines.slice(4000).join("\n") }));
  return parts;
}

const stripes = (text, mark) => String(text).replace(/\n$/, "").split("\n").map((line) => diffLine(`${mark}${line}`));

/** What a tool was given, as a change of a file where it is one; else null. */
function asChange(given) {
  if (!given || typeof given !== "object" || Array.isArray(given)) return null;
  const path = given.path || given.file_path || given.filename;
  const edits = Array.isArray(given.edits) ? given.edits : [given];
  const changes = edits.map((edit) => edit && typeof edit === "object"
    ? [edit.old_text ?? edit.old_string ?? edit.oldText, edit.new_text ?? edit.new_string ?? edit.newText] : [])
    .filter(([before, after]) => typeof before === "string" && typeof after === "string");
  if (typeof path !== "string" || !changes.length) return null;
  return h("pre", { class: "diff", tabindex: "0", role: "region", "aria-label": `Change of ${shown(path)}` },
    h("span", { class: "line file", text: path }),
    changes.map(([before, after]) => [before === "" ? [] : stripes(before, "-"), after === "" ? [] : stripes(after, "+")]));
}

/** The files that calls of an attempt have changed, as far as their names say so. */
function changedFiles(attempt) {
  const files = new Set();
  for (const call of attempt.calls || []) {
    if (call.kind !== "tool" || !call.given || typeof call.given === "string" || !("j" in call.given || "t" in call.given)) continue;
    if (!/edit|write|patch|replace|create/i.test(call.name) || call.status === "failed") continue;
    const found = entry(call.given);
    if (!("s" in found)) continue;
    const named = /"(?:path|file_path|filename)": ?("(?:[^"\\]|\\.)*")/.exec(found.s);
    if (named) files.add(JSON.parse(named[1]));
  }
  return [...files];
}
