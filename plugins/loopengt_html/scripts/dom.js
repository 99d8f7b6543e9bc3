// Makes elements. Text only ever becomes text nodes: nothing of a run is read as HTML.
const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [name, act] of Object.entries(value)) node.addEventListener(name, act);
    else if (key === "css") for (const [name, set] of Object.entries(value)) node.style.setProperty(name, set);
    else if (key === "text") node.textContent = shown(value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return node;
}

const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

/** Text of the run, kept apart from the direction of what is around it. */
const said = (text, props) => h("bdi", { ...props, text });

/** Words for those who do not see. */
const hidden = (text) => h("span", { class: "unseen" }, text);

const PICTURES = 0x2400;

/** Make control characters, and those that reorder text, visible; line breaks and tabs stay. */
function shown(text) {
  return String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|\p{Surrogate}/gu,
    (char) => {
      const code = char.codePointAt(0);
      if (code === 13) return "";
      if (code < 32) return String.fromCharCode(PICTURES + code);
      return code === 127 ? "\u2421" : `\u27e8${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
    });
}

function section(id, title, about, ...children) {
  return h("section", { id, "aria-labelledby": `${id}-title` },
    h("div", { class: "section-head" }, h("h2", { id: `${id}-title` }, title), about && h("p", { class: "about" }, about)),
    children);
}

const button = (label, act, props) => h("button", { type: "button", ...props, on: { click: act } }, label);

const wide = window.matchMedia("(min-width: 1080px)");
const phone = window.matchMedia("(max-width: 640px)");
const still = window.matchMedia("(prefers-reduced-motion: reduce)");
const gently = () => (still.matches ? "auto" : "smooth");
