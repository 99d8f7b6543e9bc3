// All events, with a filter and a search; only those in sight are in the document.
const LINE = 26;

class Events {
  constructor() {
    this.rows = [];
    this.found = [];
    this.active = -1;
    this.search = h("input", { type: "search", id: "search", placeholder: "Search", "aria-label": "Search events", autocomplete: "off", spellcheck: "false", on: { input: () => this.soon() } });
    this.kind = h("select", { "aria-label": "Kind of event", on: { change: () => this.filter() } }, h("option", { value: "" }, "All kinds"));
    this.number = h("span", { class: "about", role: "status" });
    this.list = h("div", { class: "ev-rows" });
    this.room = h("div", { class: "tl-room" }, this.list);
    this.scroller = h("div", { class: "ev-scroll", tabindex: "0", role: "listbox", "aria-label": "Events",
      on: { scroll: () => { this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.draw(); }); }, keydown: (event) => this.key(event), click: (event) => this.click(event) } }, this.room);
    this.panel = h("div", { class: "ev-panel", "aria-live": "polite" });
    const { bare, missing } = data.events;
    this.element = h("div", {}, h("div", { class: "controls" }, this.search, this.kind, this.number),
      (bare > 0 || missing > 0) && h("p", { class: "cut" }, [missing && `${many(missing, "event")} in the middle are not in this page.`, bare && `${many(bare, "older event")} without data.`].filter(Boolean).join(" "), " ", h("code", {}, command("--events"))),
      this.scroller, this.panel);
  }

  async load() {
    this.number.textContent = "Unpacking\u2026";
    try {
      this.rows = await eventRows();
    } catch (error) {
      this.number.textContent = `This browser cannot unpack them (${error.name}): ${command("--events")}`;
      return;
    }
    const kinds = new Map();
    for (const row of this.rows) {
      const family = row[3].split(".")[0];
      kinds.set(family, (kinds.get(family) || new Map()).set(row[3], (kinds.get(family)?.get(row[3]) || 0) + 1));
    }
    for (const [family, types] of [...kinds].sort()) {
      this.kind.append(h("optgroup", { label: shown(family) }, types.size > 1 && h("option", { value: `${family}.` }, `${shown(family)}.*`),
        [...types].sort().map(([type, times]) => h("option", { value: type }, `${shown(type)} (${count(times)})`))));
    }
    this.filter();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.filter(), 120);
  }

  filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = this.kind.value;
    const fits = (type) => !kind || type === kind || (kind.endsWith(".") && type.startsWith(kind));
    if (words.length) this.texts ||= this.rows.map((row) => JSON.stringify(row.slice(3)).toLowerCase());
    this.found = [];
    this.rows.forEach((row, at) => { if (fits(row[3]) && words.every((word) => this.texts[at].includes(word))) this.found.push(row); });
    this.active = -1;
    this.panel.replaceChildren();
    this.number.textContent = this.found.length === this.rows.length ? many(this.rows.length, "event") : `${count(this.found.length)} of ${many(this.rows.length, "event")}`;
    this.scroller.scrollTop = 0;
    this.draw();
  }

  draw() {
    this.room.style.height = `${this.found.length * LINE}px`;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / LINE) - 10);
    const some = this.found.slice(first, first + Math.ceil((this.scroller.clientHeight || 400) / LINE) + 20);
    this.list.style.transform = `translateY(${first * LINE}px)`;
    this.list.replaceChildren(...some.map((row, at) => this.line(row, first + at)));
    if (this.active >= 0) this.scroller.setAttribute("aria-activedescendant", `ev-${this.active}`);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  line([seq, run, at, type, step, about], place) {
    const tone = /(\.error|\.fail|exceeded)$/.test(type) ? "bad" : /(gate\.pass|loop\.complete)$/.test(type) ? "good" : "";
    return h("div", { class: `ev ${tone} ${place === this.active ? "active" : ""}`, role: "option", id: `ev-${place}`, "data-at": place, "aria-selected": String(place === this.active) },
      h("span", { class: "seq" }, run > 0 ? `${run}:${seq}` : String(seq)), h("span", { class: "when" }, clock(at)), h("span", { class: "type" }, shown(type)), said(step, { class: "where" }), said(about, { class: "what" }));
  }

  choose() {
    const row = this.found[this.active];
    this.draw();
    if (!row) return;
    const [seq, run, at, type, step, , values] = row;
    this.panel.replaceChildren(h("h3", {}, `${seq} `, shown(type)), h("p", { class: "about" }, moment(at), step && [" \u00b7 ", said(step)], run > 0 && [" \u00b7 ", said(data.runs[run]?.id || "")]),
      values === undefined ? h("p", { class: "cut" }, "Its data is not in this page. ", h("code", {}, command("--events"))) : valuesView(values));
  }

  click(event) {
    const element = event.target.closest(".ev");
    if (!element) return;
    this.active = Number(element.dataset.at);
    this.choose();
  }

  key(event) {
    const page = Math.floor(this.scroller.clientHeight / LINE) - 1;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.active = Math.max(0, Math.min(this.found.length - 1, this.active + steps[event.key]));
    const top = this.active * LINE;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + LINE > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = top + LINE - this.scroller.clientHeight;
    this.choose();
  }
}

/** The data of an event: short values in a list, long ones folded. */
function valuesView(values) {
  const entries = Object.entries(values);
  if (!entries.length) return h("p", { class: "about" }, "It has no data.");
  return h("dl", { class: "values" }, entries.map(([key, value]) => h("div", {}, h("dt", {}, said(key)), h("dd", {},
    stands(value, "t") ? textFold(size(entry(value).n), value)
      : said(typeof value === "string" ? value : stands(value, "j") ? value.j : JSON.stringify(value), { class: "code" })))));
}

const stands = (value, key) => value && typeof value === "object" && key in value && Object.keys(value).length === 1;
