// The timeline: a tree of rows beside their bars. Only the rows in sight are in the document.
const ROW = 28;
const OVER = 12;

class Timeline {
  constructor(run, inspect) {
    this.run = run;
    this.inspect = inspect;
    this.scale = new Scale(run);
    this.roots = topLevel(run).map((one) => executionRow(one, 0, null));
    this.isOpen = new Set();
    this.active = 0;
    this.openSome();
    this.build();
    this.rows = flatten(this.roots, this.isOpen);
    const telling = this.rows.findLastIndex((row) => row.status === "failed" && row.kind === "step");
    this.active = telling >= 0 ? telling : this.lastStep();
  }

  lastStep() {
    for (let at = this.rows.length - 1; at > 0; at -= 1) if (this.rows[at].kind === "step" && !this.rows[at].depth) return at;
    return 0;
  }

  /** Open all of a short run, of a long one what failed last. */
  openSome() {
    const add = (row) => {
      if (!row.below) return;
      this.isOpen.add(row.key);
      row.children ||= row.below();
      row.children.forEach(add);
    };
    const size = this.run.executions.reduce((sum, one) => sum + 1 + one.attempts.reduce((all, attempt) => all
      + (attempt.calls || []).length + (attempt.checks || []).length, 0), 0);
    if (size <= 40) this.roots.forEach(add);
    else {
      const bad = this.roots.filter((row) => row.status === "failed").pop();
      if (bad) add(bad);
    }
  }

  build() {
    this.tools = h("div", { class: "controls", role: "group", "aria-label": "Zoom" },
      button("\u2212", () => this.zoom(1 / 1.6), { "aria-label": "Zoom out", title: "Zoom out (-)" }),
      button("Fit", () => { this.scale.fit(); this.draw(); }, { title: "Show all (0)" }),
      button("+", () => this.zoom(1.6), { "aria-label": "Zoom in", title: "Zoom in (+)" }),
      button("\u2190", () => this.pan(-0.3), { class: "roomy", "aria-label": "Earlier", title: "Earlier (Shift and left arrow)" }),
      button("\u2192", () => this.pan(0.3), { class: "roomy", "aria-label": "Later", title: "Later (Shift and right arrow)" }),
      button("Open all", () => this.openAll()), button("Close all", () => { this.isOpen.clear(); this.refresh(); }));
    this.axis = h("div", { class: "axis", "aria-hidden": "true" });
    this.marks = h("div", { class: "marks", "aria-hidden": "true" });
    this.list = h("div", { class: "tl-rows" });
    this.room = h("div", { class: "tl-room" }, this.list);
    this.scroller = h("div", { class: "tl-scroll", id: "tree", tabindex: "0", role: "tree", "aria-label": "Timeline of steps",
      on: { scroll: () => this.later(), keydown: (event) => this.key(event), wheel: (event) => this.wheel(event) } }, this.room);
    this.element = h("div", { class: "timeline" }, this.tools,
      h("div", { class: "tl-head" }, h("div", { class: "tl-label about" }, "Step"), h("div", { class: "tl-track" }, this.axis, this.marks)),
      this.scroller, legend());
    this.scroller.addEventListener("click", (event) => this.click(event));
    this.scroller.addEventListener("dblclick", (event) => this.zoomTo(this.rowOf(event)));
    this.drag();
  }

  /** Drag the axis to move along it. */
  drag() {
    let before = null;
    this.axis.addEventListener("pointerdown", (event) => { before = event.clientX; this.axis.setPointerCapture(event.pointerId); });
    this.axis.addEventListener("pointermove", (event) => {
      if (before === null) return;
      this.scale.pan((before - event.clientX) / this.axis.clientWidth);
      before = event.clientX;
      this.draw();
    });
    for (const end of ["pointerup", "pointercancel"]) this.axis.addEventListener(end, () => { before = null; });
  }

  later() {
    this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.drawRows(); });
  }

  refresh() {
    const key = this.rows[this.active]?.key;
    this.rows = flatten(this.roots, this.isOpen);
    const at = this.rows.findIndex((row) => row.key === key);
    this.active = at >= 0 ? at : Math.min(this.active, this.rows.length - 1);
    this.draw();
  }

  draw() {
    this.room.style.height = `${this.rows.length * ROW}px`;
    const ticks = this.scale.ticks(phone.matches ? 3 : 7);
    this.axis.replaceChildren(...ticks.map(([share, seconds]) => h("span", { class: share > 0.93 ? "tick end" : "tick", css: { left: `${share * 100}%` } },
      tickText(seconds))));
    this.marks.replaceChildren(...this.run.notes.filter((note) => NOTED.has(note.kind)).slice(-200)
      .map((note) => [this.scale.at(note.at), note]).filter(([share]) => share >= 0 && share <= 1)
      .map(([share, note]) => h("span", { class: `tl-mark m-${note.kind}`, css: { left: `${share * 100}%` }, title: shown(`${note.step ? `${note.step}: ` : ""}${note.text}`) })));
    this.grid = ticks.map(([share]) => share);
    this.drawRows();
  }

  drawRows() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - OVER);
    const seen = Math.ceil((this.scroller.clientHeight || 600) / ROW) + 2 * OVER;
    const rows = this.rows.slice(first, first + seen);
    this.list.style.transform = `translateY(${first * ROW}px)`;
    this.list.replaceChildren(...rows.map((row, at) => this.row(row, first + at)));
    if (this.rows.length) this.scroller.setAttribute("aria-activedescendant", `row-${this.active}`);
  }

  row(row, at) {
    const facts = [row.status, span(lasted(row))];
    const strips = this.scale.pauses.map(([since, until]) => [this.scale.at(since), this.scale.at(until), until - since])
      .filter(([low, high]) => high > 0 && low < 1)
      .map(([low, high]) => h("span", { class: "tl-pause", css: { left: `${low * 100}%`, width: `${(high - low) * 100}%` } }));
    const pieces = bars(row).map((bar) => [Math.max(-0.01, this.scale.at(bar.from)), Math.min(1.01, this.scale.at(bar.to)), bar])
      .filter(([low, high]) => high >= 0 && low <= 1)
      .map(([low, high, bar]) => h("span", { class: `bar ${bar.kind} ${TONES[bar.status] || "quiet"}`,
        css: { left: `${low * 100}%`, width: `${Math.max(0, high - low) * 100}%` } }));
    const took = h("span", this.tookPlace(row), span(lasted(row)));
    return h("div", { class: `tl-row ${row.kind} ${at === this.active ? "active" : ""}`, id: `row-${at}`, role: "treeitem", "data-at": at,
      "aria-level": row.depth + 1, "aria-expanded": row.below ? String(this.isOpen.has(row.key)) : null, "aria-selected": String(at === this.active),
      "aria-label": shown(`${KINDS[row.kind]} ${row.label}, ${facts.join(", ")}`) },
      h("div", { class: "tl-label", css: { "--depth": String(row.depth) }, title: shown(row.label) },
        h("span", { class: `twist ${row.below ? "" : "none"}`, "data-twist": "1" }, row.below ? (this.isOpen.has(row.key) ? "\u25be" : "\u25b8") : ""),
        row.kind === "step" && h("span", { class: "turn" }, row.one.items ? "" : String(row.one.turn || "")), sign(row.status === "open" ? "" : row.status),
        row.kind !== "step" && row.kind !== "attempt" && h("span", { class: `tag ${row.kind}` }, row.kind), said(row.label, { class: "label" })),
      h("div", { class: "tl-track" }, this.grid.map((share) => h("span", { class: "grid", css: { left: `${share * 100}%` } })), strips, pieces, took));
  }

  /** Where a duration stands: behind its bar, before it, or within a bar that takes the whole width. */
  tookPlace(row) {
    const [begin, end] = [this.scale.at(row.from), this.scale.at(row.to)];
    if (end <= 0.8) return { class: "took", css: { left: `${Math.max(0, end) * 100}%` } };
    if (begin < 0.16) return { class: "took within" };
    return { class: "took", css: { right: `${Math.max(0, 1 - begin) * 100}%` } };
  }

  rowOf(event) {
    const element = event.target.closest(".tl-row");
    return element ? Number(element.dataset.at) : -1;
  }

  click(event) {
    const at = this.rowOf(event);
    if (at < 0) return;
    this.active = at;
    if (event.target.closest("[data-twist]") && this.rows[at].below) this.toggle(at);
    else this.choose(true);
  }

  toggle(at, wanted = !this.isOpen.has(this.rows[at].key)) {
    if (!this.rows[at].below) return;
    if (wanted) this.isOpen.add(this.rows[at].key);
    else this.isOpen.delete(this.rows[at].key);
    this.refresh();
  }

  openAll() {
    const add = (row) => {
      if (!row.below || this.isOpen.size > 5000) return;
      this.isOpen.add(row.key);
      row.children ||= row.below();
      row.children.forEach(add);
    };
    this.roots.forEach(add);
    this.refresh();
  }

  choose(asked = false) {
    this.drawRows();
    if (this.rows[this.active]) this.inspect(this.rows[this.active], asked);
  }

  move(to) {
    this.active = Math.min(this.rows.length - 1, Math.max(0, to));
    const row = this.rows[this.active];
    if (row && (this.scale.at(row.from) > 0.98 || this.scale.at(row.to) < 0.02)) {
      this.scale.pan(this.scale.at((row.from + row.to) / 2) - 0.5);
      this.draw();
    }
    const top = this.active * ROW;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = top + ROW - this.scroller.clientHeight;
    this.choose();
  }

  /** Begin at a row; of a long run only what is about it is in the view. */
  beginAt(at) {
    if (this.rows.length > 150) this.scale.show(this.rows[Math.max(0, at - 18)].from, this.rows[Math.min(this.rows.length - 1, at + 4)].to);
    this.draw();
    this.move(at);
  }

  /** Go to an execution, from elsewhere in the page. */
  goTo(one) {
    const above = [];
    let upper = one;
    for (let guard = 0; guard < 50; guard += 1) {
      if (upper.parent !== undefined) upper = everyone[upper.parent];
      else if (data.runs[upper.run].parent !== undefined && data.runs[upper.run].parent !== null) upper = everyone[data.runs[upper.run].parent];
      else break;
      above.push(upper);
    }
    for (const row of above.reverse()) this.isOpen.add(`x${row.n}`);
    this.rows = flatten(this.roots, this.isOpen);
    for (const row of this.rows) if (row.kind === "attempt" && above.includes(row.one)) this.isOpen.add(row.key);
    this.rows = flatten(this.roots, this.isOpen);
    this.draw();
    const at = this.rows.findIndex((row) => row.key === `x${one.n}`);
    if (at >= 0) this.move(at);
    this.element.scrollIntoView({ behavior: gently(), block: "nearest" });
    this.scroller.focus({ preventScroll: true });
  }

  zoom(factor, around) { this.scale.zoom(factor, around); this.draw(); }

  pan(share) { this.scale.pan(share); this.draw(); }

  zoomTo(at) {
    if (at < 0 || !this.rows[at]) return;
    this.scale.show(this.rows[at].from, this.rows[at].to);
    this.draw();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const track = this.axis.getBoundingClientRect();
    this.zoom(event.deltaY < 0 ? 1.25 : 0.8, Math.min(1, Math.max(0, (event.clientX - track.left) / track.width)));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = this.rows[this.active];
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 1);
    const acts = {
      ArrowDown: () => this.move(this.active + 1), ArrowUp: () => this.move(this.active - 1),
      PageDown: () => this.move(this.active + page), PageUp: () => this.move(this.active - page),
      Home: () => this.move(0), End: () => this.move(this.rows.length - 1),
      ArrowRight: () => (event.shiftKey ? this.pan(0.2) : row.below && !this.isOpen.has(row.key) ? this.toggle(this.active, true) : this.move(this.active + 1)),
      ArrowLeft: () => (event.shiftKey ? this.pan(-0.2) : row.below && this.isOpen.has(row.key) ? this.toggle(this.active, false)
        : row.up && this.move(this.rows.indexOf(row.up))),
      Enter: () => this.choose(true), " ": () => this.choose(true), "+": () => this.zoom(1.6), "=": () => this.zoom(1.6), "-": () => this.zoom(1 / 1.6),
      0: () => { this.scale.fit(); this.draw(); }, z: () => this.zoomTo(this.active),
    };
    if (!acts[event.key] || !row) return;
    event.preventDefault();
    acts[event.key]();
  }
}

const KINDS = { step: "step", attempt: "", tool: "tool", model: "model", gate: "gate" };
const NOTED = new Set(["question", "answer", "budget", "resume", "handoff", "pause", "stop", "checkpoint"]);

function legend() {
  const entries = [["agent ok", "agent"], ["child ok", "child run"], ["model", "model"], ["tool", "tool"], ["gate good", "gate passed"],
    ["gate bad", "gate failed"], ["wait", "waiting"], ["pausing", "pause, shortened"]];
  return h("ul", { class: "legend", "aria-label": "Colours" }, entries.map(([kind, word]) => h("li", {}, h("span", { class: `key bar ${kind}` }), word)));
}
