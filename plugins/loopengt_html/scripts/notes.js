// What happened between the steps, and the child runs.
const NOTE_SIGNS = { question: "?", answer: "!", budget: "$", handoff: "\u2192", resume: "\u25b6", pause: "\u2016", stop: "\u25a0", checkpoint: "\u2691", decision: "\u2387" };

function notesView(runs) {
  const all = runs.flatMap((run, place) => run.notes.map((note) => ({ ...note, run: place }))).sort((a, b) => a.at - b.at);
  if (!all.length) return null;
  const kinds = [...new Set(all.map((note) => note.kind))];
  const list = h("div", { class: "notes" });
  const draw = (kind) => list.replaceChildren(inParts(all.filter((note) => !kind || note.kind === kind), 50, noteView));
  const choose = kinds.length > 1 && h("div", { class: "controls" }, h("label", { for: "which-notes" }, "Show"),
    h("select", { id: "which-notes", on: { change: (event) => draw(event.target.value) } }, h("option", { value: "" }, `All (${count(all.length)})`),
      kinds.map((kind) => h("option", { value: kind }, shown(kind)))));
  draw("");
  return h("div", {}, choose, list);
}

function noteView(note) {
  return h("div", { class: `note n-${note.kind}` }, h("time", { title: moment(note.at) }, clock(note.at)), h("span", { class: "note-sign", "aria-hidden": "true" }, NOTE_SIGNS[note.kind] || "\u00b7"),
    h("div", {}, h("p", {}, note.run > 0 && h("span", { class: "about" }, said(data.runs[note.run].loop), ": "), note.step && [said(note.step, { class: "code" }), " "], said(note.text)),
      note.detail && textFold("Data", note.detail)));
}

function childrenView(runs, showGraph) {
  if (runs.length < 2) return null;
  const row = (run) => {
    const parent = run.parent === null || run.parent === undefined ? null : everyone[run.parent];
    return h("tr", {}, h("th", { scope: "row" }, said(run.loop), h("small", {}, said(run.id))), h("td", {}, parent ? button(said(name(parent)), () => page.timeline.goTo(parent), { class: "link" }) : "\u2013"),
      h("td", {}, pill(endTone(run), run.reason || "not ended")), h("td", {}, count(run.executions.length + run.leftOut)), h("td", {}, span(run.driven)), h("td", {}, count(run.tokens)),
      h("td", {}, run.tokens || run.cost ? dollars(run.cost, run.unknown) : "\u2013"), h("td", {}, button("Graph", () => showGraph(run), { class: "link", "aria-label": shown(`Graph of ${run.id}`) })));
  };
  const children = runs.slice(1);
  const body = h("tbody", {}, children.slice(0, 100).map(row));
  const more = children.length > 100 && button(`Show ${count(children.length - 100)} more`, () => { body.append(...children.slice(100, 2100).map(row)); more.remove(); }, { class: "small" });
  return h("div", {}, h("div", { class: "wide card", tabindex: "0", role: "region", "aria-label": "Child runs, can be scrolled" }, h("table", {}, h("thead", {}, h("tr", {}, ["Loop", "Step", "End", "Steps", "Time", "Tokens", "Cost", ""].map((word) => h("th", { scope: "col" }, word)))), body)), more);
}

const endTone = (run) => ({ goal_met: "completed", nothing_to_do: "completed", approval_required: "refused", interrupted: "refused", "": "running" })[run.reason] || "failed";
