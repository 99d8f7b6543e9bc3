// Shows a text: JSON set out, diffs coloured, long ones in parts.
const FIRST_LOOK = 12000;
const NEXT_LOOK = 100000;

function laidOut(text, found) {
  if (found.cut || text.length > 2e6) return { text, kind: looksLikeDiff(text) ? "diff" : "plain" };
  if (found.k === "j" || /^\s*[{[]/.test(text)) {
    try {
      return { text: JSON.stringify(JSON.parse(text), null, 2), kind: "json" };
    } catch { /* it is text after all */ }
  }
  return { text, kind: looksLikeDiff(text) ? "diff" : "plain" };
}

const size = (characters) => (characters < 1000 ? `${characters} characters` : `${short(characters)} characters`);

/** A text in a box, with its size, and a way to the rest of it. */
function textBox(ref, { one = null, label = "text" } = {}) {
  const found = entry(ref);
  const box = h("div", { class: "text" });
  if ("s" in found) show(box, found.s, found, one, label);
  else {
    box.append(h("p", { class: "about" }, "Unpacking\u2026"));
    whole(found).then((text) => show(box, text, found, one, label), (error) => {
      box.replaceChildren(h("p", { class: "callout held" }, `This browser cannot unpack it (${error.name}). `,
        h("code", {}, one ? stepCommand(one) : command("--full"))));
    });
  }
  return box;
}

function show(box, raw, found, one, label) {
  const { text, kind } = laidOut(raw, found);
  const pre = h("pre", { class: kind, tabindex: "0", role: "region", "aria-label": label });
  let until = 0;
  const more = button("", () => add(NEXT_LOOK), { class: "small" });
  function add(amount) {
    const piece = text.slice(until, until + amount);
    until += piece.length;
    if (kind === "diff") pre.append(diffLines(piece));
    else pre.append(h("bdi", { class: kind === "json" ? "" : "prose", text: piece }));
    more.textContent = `Show ${size(Math.min(NEXT_LOOK, text.length - until))} more of ${size(text.length - until)}`;
    more.hidden = until >= text.length;
  }
  add(FIRST_LOOK);
  const copy = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(raw);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(pre);
      copy.textContent = "Selected";
    }
  }, { class: "small", "aria-label": `Copy ${label}` });
  const notes = [];
  if (found.cut) {
    notes.push(h("p", { class: "cut" }, `${count(found.cut)} characters are not in this page. `,
      h("code", {}, one ? stepCommand(one) : command("--events"))));
  }
  box.replaceChildren(pre, h("div", { class: "under" }, h("span", { class: "about" }, size(found.n)), more, copy), ...notes);
}

/** Something that folds; its content is made when it is first opened. */
function fold(title, make, { open: isOpen = false, more = "", tone = "" } = {}) {
  const body = h("div", { class: "fold-body" });
  const element = h("details", { class: `fold ${tone}`, open: isOpen }, h("summary", {}, h("span", {}, title),
    more && h("span", { class: "about" }, more)), body);
  const build = () => {
    if (element.open && !body.hasChildNodes()) body.append(...[make()].flat());
  };
  element.addEventListener("toggle", build);
  build();
  return element;
}

const textFold = (title, ref, { one, ...options } = {}) => (ref === undefined || ref === null ? null
  : fold(title, () => textBox(ref, { one, label: title }), { more: size(entry(ref).n), ...options }));
