// Puts the page together.
const page = { timeline: null };

function inspector() {
  const panel = h("aside", { class: "inspector", tabindex: "-1", "aria-label": "Details of the row" });
  const inspect = (row, asked) => {
    panel.replaceChildren(...rowDetail(row).filter(Boolean));
    panel.scrollTop = 0;
    if (!asked) return;
    if (!wide.matches) panel.scrollIntoView({ behavior: gently(), block: "nearest" });
  };
  return [panel, inspect];
}

function graphSection(runs) {
  const box = h("div", { id: "graph-of" });
  const draw = (run) => box.replaceChildren(graphView(run));
  let choose = null;
  if (runs.length > 1) {
    choose = h("select", { id: "which-graph", on: { change: () => draw(runs[Number(choose.value)]) } },
      runs.slice(0, 500).map((run, at) => h("option", { value: String(at) }, shown(at ? `${run.loop} \u00b7 ${run.id}` : run.loop))));
  }
  draw(runs[0]);
  phone.addEventListener("change", () => draw(runs[Number(choose?.value || 0)]));
  const showGraph = (run) => {
    choose.value = String(runs.indexOf(run));
    draw(run);
    document.getElementById("path").scrollIntoView({ behavior: gently() });
  };
  return [h("div", {}, choose && h("div", { class: "controls" }, h("label", { for: "which-graph" }, "Run"), choose), box), showGraph];
}

function build() {
  const main = document.getElementById("main");
  const runs = data.runs;
  const run = runs[0];
  const [panel, inspect] = inspector();
  const timeline = page.timeline = new Timeline(run, inspect);
  const [graph, showGraph] = graphSection(runs);
  const events = new Events();
  const pauses = run.pauses.length ? ` ${many(run.pauses.length, "pause")}, ${span(run.pauses.reduce((sum, [since, until]) => sum + until - since, 0))} together, ${run.pauses.length === 1 ? "is" : "are"} shortened.` : "";
  const parts = [
    ["timeline", "Timeline", `${many(run.executions.length + run.leftOut, "step")} in ${span(run.driven)} driven.${pauses}`, h("div", { class: "split" }, timeline.element, panel)],
    ["path", "Path", "Steps beside each other ran at the same time.", graph],
    ["gates", "Gates", null, gatesView(run)],
    ["scores", "Scores", null, scoresView(runs)],
    ["use", "Use", null, chartsView(run)],
    ["steps", "Steps", null, stepsView(run)],
    ["children", "Child runs", null, childrenView(runs, showGraph)],
    ["notes", "Notes", null, notesView(runs)],
    ["events", "Events", null, events.element],
  ].filter(([, , , view]) => view);
  main.append(...parts.map(([id, title, about, view]) => section(id, title, about, view)));
  const nav = document.getElementById("nav");
  nav.append(...parts.map(([id, title]) => h("a", { href: `#${id}` }, title)));
  nav.hidden = false;
  timeline.draw();
  timeline.beginAt(timeline.active);
  new ResizeObserver(() => timeline.draw()).observe(timeline.scroller);
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((one) => one.isIntersecting)) return;
    seen.disconnect();
    events.load();
  }, { rootMargin: "400px" });
  seen.observe(events.element);
  follow(nav, parts);
}

/** Mark the section that is in sight. */
function follow(nav, parts) {
  const links = new Map(parts.map(([id], at) => [id, nav.children[at]]));
  const watch = new IntersectionObserver((entries) => {
    for (const one of entries) {
      if (!one.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(one.target.id).setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const [id] of parts) watch.observe(document.getElementById(id));
}

async function start() {
  const tools = document.getElementById("tools");
  const change = themeSwitch();
  const dialog = helpDialog();
  tools.append(change, button("Keys", () => dialog.showModal(), { title: "Keys (?)" }));
  pageKeys(dialog, change);
  try {
    await open();
  } catch (error) {
    document.getElementById("main").append(h("p", { class: "callout bad" }, `The data of this page cannot be read (${error.name}). A newer browser may help.`));
    return;
  }
  if (data.runs.length) build();
  document.documentElement.dataset.ready = "";
  performance.mark("ready");
}

start();
