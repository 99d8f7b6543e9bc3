// The loop as a graph, with the path that the run took.
const NODE = { width: 152, height: 54, across: 70, down: 30 };

/** Put each step into a layer: behind all that led to it, not counting the ways back. */
function layers(graph) {
  const taken = graph.edges.filter(([from, to]) => from !== "" && to !== "\0");
  // In the order of their first beginnings, a way back leads to an earlier one.
  const first = new Map();
  for (const one of graph.first) if (!first.has(one)) first.set(one, first.size);
  const layer = new Map();
  const names = graph.nodes.filter((node) => node.taken).map((node) => node.name).sort((a, b) => first.get(a) - first.get(b));
  for (const step of names) {
    const before = taken.filter(([from, to]) => to === step && from !== step && layer.has(from)).map(([from]) => layer.get(from));
    layer.set(step, before.length ? Math.max(...before) + 1 : 0);
  }
  return layer;
}

function curve([x1, y1], [x2, y2], upright) {
  if (upright) {
    const bend = Math.max(14, Math.abs(y2 - y1) / 2);
    return `M${x1},${y1} C${x1},${y1 + bend} ${x2},${y2 - bend} ${x2},${y2}`;
  }
  const bend = Math.max(18, Math.abs(x2 - x1) / 2);
  return `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
}

function graphView(run) {
  const graph = { ...run.graph, first: run.executions.map((one) => one.of || one.step) };
  const upright = phone.matches;
  const layer = layers(graph);
  const ranks = [];
  for (const node of graph.nodes.filter((each) => each.taken)) (ranks[layer.get(node.name)] ||= []).push(node);
  const used = ranks.filter(Boolean);
  const most = Math.max(1, ...used.map((rank) => rank.length));
  const untaken = graph.nodes.filter((each) => !each.taken);
  const [along, beside] = upright ? [NODE.height + 46, NODE.width + 18] : [NODE.width + NODE.across, NODE.height + NODE.down];
  const places = new Map();
  used.forEach((rank, column) => rank.forEach((node, row) => {
    const [main, cross] = [34 + column * along, 12 + (row + (most - rank.length) / 2) * beside];
    places.set(node.name, upright ? [cross, main] : [main, cross]);
  }));
  const deep = most * beside;
  const backs = graph.edges.filter(([from, to]) => places.has(from) && places.has(to) && layer.get(to) <= layer.get(from)).length;
  const spare = backs ? 34 + Math.min(5, backs - 1) * 14 : 0;
  const each = Math.max(1, used.length);
  untaken.forEach((node, at) => {
    if (upright) places.set(node.name, [12, 44 + each * along + at * (NODE.height + 14)]);
    else places.set(node.name, [34 + (at % each) * along, 12 + deep + spare + Math.floor(at / each) * beside]);
  });
  const end = 34 + each * along;
  const size = upright ? [12 + deep + spare, end + 10 + untaken.length * (NODE.height + 14)]
    : [end + 18, 12 + deep + spare + Math.ceil(untaken.length / each) * beside];
  const enter = ([x, y]) => (upright ? [x + NODE.width / 2, y] : [x, y + NODE.height / 2]);
  const leave = ([x, y]) => (upright ? [x + NODE.width / 2, y + NODE.height] : [x + NODE.width, y + NODE.height / 2]);
  const startAt = upright ? [12 + (deep - 18) / 2, 8] : [8, 12 + (deep - NODE.down) / 2];
  const endAt = upright ? [startAt[0], end] : [size[0] - 9, startAt[1]];
  let lane = 0;
  const edge = ([from, to, times]) => {
    const [a, b] = [from === "" ? startAt : leave(places.get(from)), to === "\0" ? (upright ? [endAt[0], endAt[1] - 6] : [endAt[0] - 6, endAt[1]]) : enter(places.get(to))];
    const back = from !== "" && to !== "\0" && layer.get(to) <= layer.get(from);
    let line;
    let label;
    if (back && !upright) {
      const low = 12 + deep - NODE.down + 26 + 14 * (lane++ % 6);
      const [ax, ay] = [places.get(from)[0] + NODE.width / 2 + 26, places.get(from)[1] + NODE.height];
      const [bx, by] = [places.get(to)[0] + NODE.width / 2 - 26, places.get(to)[1] + NODE.height];
      const turn = Math.min(16, low - Math.max(ay, by));
      line = `M${ax},${ay} V${low - turn} Q${ax},${low} ${ax - turn},${low} H${bx + turn} Q${bx},${low} ${bx},${low - turn} V${by}`;
      label = [(ax + bx) / 2, low + (ax - bx < 90 ? 15 : 4)];
    } else if (back) {
      const right = 12 + deep + 6 + 14 * (lane++ % 6);
      const [ax, ay] = [places.get(from)[0] + NODE.width, places.get(from)[1] + NODE.height / 2 + 8];
      const [bx, by] = [places.get(to)[0] + NODE.width, places.get(to)[1] + NODE.height / 2 - 8];
      line = `M${ax},${ay} H${right - 10} Q${right},${ay} ${right},${(ay > by ? ay - 8 : ay + 8)} V${ay > by ? by + 8 : by - 8} Q${right},${by} ${right - 10},${by} H${bx}`;
      label = [right, (ay + by) / 2];
    } else {
      line = curve(a, b, upright);
      label = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2 - 4];
    }
    return s("g", { class: `edge ${back ? "back" : ""}` }, s("path", { d: line, "marker-end": "url(#arrow)", "stroke-width": 1.2 + Math.min(2.2, Math.log2(times) / 2) }),
      times > 1 && s("text", { x: label[0], y: label[1], "text-anchor": "middle", class: "times" }, `\u00d7${count(times)}`));
  };
  const picture = s("svg", { viewBox: `0 0 ${size[0]} ${size[1]}`, width: size[0], height: size[1], class: "graph", role: "group", "aria-label": "Graph of the loop" },
    s("defs", {}, s("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" },
      s("path", { d: "M0,0.5 L7.5,4 L0,7.5 z" }))),
    graph.edges.map(edge), s("circle", { cx: startAt[0], cy: startAt[1], r: 5, class: "start" }, s("title", {}, "start")),
    s("circle", { cx: endAt[0], cy: endAt[1], r: 6, class: "end" }, s("title", {}, "end")), s("circle", { cx: endAt[0], cy: endAt[1], r: 3, class: "start" }),
    graph.nodes.map((node) => nodeView(node, places.get(node.name), run)));
  return h("div", { class: "wide graph-box", tabindex: "0", role: "region", "aria-label": "Graph of the loop, can be scrolled" }, picture);
}

function nodeView(node, [x, y], run) {
  const how = node.failed ? "failed" : node.running ? "running" : node.taken ? (node.refused ? "refused" : "completed") : "skipped";
  const below = node.taken ? [`${count(node.taken)}\u00d7`, node.failed && `${count(node.failed)} failed`,
    node.refused > 0 && !node.failed && `${count(node.refused)} refused`, node.children && many(node.children, "child run"),
    node.attempts > node.taken && `${count(node.attempts)} attempts`, node.skipped && `${count(node.skipped)} skipped`].filter(Boolean).slice(0, 2).join(" \u00b7 ")
    : node.skipped ? "skipped" : "not taken";
  const label = node.name.length > 17 ? `${node.name.slice(0, 16)}\u2026` : node.name;
  const go = () => {
    const one = run.executions.find((each) => (each.of || each.step) === node.name);
    if (one) page.timeline.goTo(one);
  };
  return s("g", { class: `node ${node.taken ? TONES[how] : "untaken"}`, transform: `translate(${x},${y})`, tabindex: node.taken ? "0" : null, role: node.taken ? "button" : "img",
    "aria-label": shown(`${node.name}: ${below}`), on: { click: go, keydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); go(); } } } },
    s("title", { text: node.name }), s("rect", { width: NODE.width, height: NODE.height, rx: 9 }),
    s("text", { x: 14, y: 23, class: "node-sign" }, node.taken ? SIGNS[how] : "\u2013"), s("text", { x: 32, y: 23, class: "name", text: label }),
    s("text", { x: 14, y: 41, class: "count" }, below));
}
