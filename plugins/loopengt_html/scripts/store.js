// Reads the data of the page; what is compressed is unpacked when it is asked for.
let data = null;
const everyone = [];
const unpacked = new Map();

async function inflate(base64) {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Return the value of a data element. */
function part(id) {
  if (!unpacked.has(id)) {
    const element = document.getElementById(id);
    const value = JSON.parse(element.textContent);
    unpacked.set(id, element.hasAttribute("data-packed") ? inflate(value) : Promise.resolve(value));
  }
  return unpacked.get(id);
}

async function open() {
  data = await part("data");
  data.runs.forEach((run, place) => run.executions.forEach((one) => {
    one.run = place;
    everyone[one.n] = one;
  }));
}

/** What stands for a text, as its entry: n, k, and s, p and i, or h. */
function entry(ref) {
  if (typeof ref === "string") return { n: ref.length, s: ref };
  if ("j" in ref) return { n: ref.j.length, s: ref.j, k: "j" };
  return data.texts[ref.t];
}

async function whole(found) {
  if ("s" in found) return found.s;
  if ("p" in found) return (await part(`texts-${found.p}`))[found.i];
  return found.h || "";
}

let rowsOnce = null;

/** All rows of the list of events. */
function eventRows() {
  rowsOnce ||= Promise.all(Array.from({ length: data.events.packs }, (_, at) => part(`events-${at}`)))
    .then((packs) => packs.flat());
  return rowsOnce;
}
