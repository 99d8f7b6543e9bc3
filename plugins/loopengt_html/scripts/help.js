// Light and dark, and the list of keys.
function themeSwitch() {
  const names = { "": "Auto", light: "Light", dark: "Dark" };
  const order = ["", "light", "dark"];
  let now = "";
  try { now = localStorage.getItem("loopengt-theme") || ""; } catch { /* a file may have no storage */ }
  if (!(now in names)) now = "";
  const set = () => {
    if (now) document.documentElement.dataset.theme = now;
    else delete document.documentElement.dataset.theme;
    change.textContent = `Theme: ${names[now]}`;
  };
  const change = button("", () => {
    now = order[(order.indexOf(now) + 1) % order.length];
    try { localStorage.setItem("loopengt-theme", now); } catch { /* it holds for this time */ }
    set();
  }, { id: "theme", title: "Light or dark (t)" });
  set();
  return change;
}

const KEYS = [["?", "This list"], ["/", "Search the events"], ["t", "Light, dark or automatic"], ["Tab", "To the next control"], ["\u2191 \u2193", "Row before, row after"],
  ["\u2192 \u2190", "Open a row, close it or go up"], ["Home End PgUp PgDn", "Move far"], ["Enter", "Go to the details of the row"], ["+ \u2212 0", "Zoom the timeline in, out, show all"],
  ["z", "Zoom to the row"], ["Shift \u2190 \u2192", "Earlier, later"], ["Ctrl wheel", "Zoom where the pointer is"]];

function helpDialog() {
  const dialog = h("dialog", { id: "help", "aria-labelledby": "help-title" }, h("h2", { id: "help-title" }, "Keys"),
    h("dl", { class: "keys" }, KEYS.map(([keys, act]) => h("div", {}, h("dt", {}, keys.split(" ").map((key) => [h("kbd", {}, key), " "])), h("dd", {}, act)))),
    h("form", { method: "dialog" }, h("button", {}, "Close")));
  document.body.append(dialog);
  return dialog;
}

function pageKeys(dialog, change) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea)$/i.test(event.target.tagName) || dialog.open) return;
    if (event.key === "?") dialog.showModal();
    else if (event.key === "t") change.click();
    else if (event.key === "/") {
      event.preventDefault();
      document.getElementById("search")?.focus();
    }
  });
}
