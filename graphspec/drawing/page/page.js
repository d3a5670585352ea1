// The page: zoom and pan, folding, details, search, keyboard, and new drawings while a file is watched.
const $ = (id) => document.getElementById(id);
const stage = $("stage"), details = $("details"), search = $("search"), matches = $("matches");
let data = JSON.parse($("data").textContent);
let unfolded = new Set(data.unfolded), view, picture, nodes = new Map(), selected = null, focused = null;
let zoom = 1, panX = 0, panY = 0, hits = [], hit = -1;
const scene = element(stage, "g", {});
stage.setAttribute("role", "tree");
stage.setAttribute("aria-label", `the graph of ${data.name}`);
document.body.classList.add("live");

const say = (text) => ($("status").textContent = text);
const html = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  made.append(...children.filter((each) => each !== null));
  return made;
};

// ---- the drawing
function draw() {
  view = new View(data, unfolded);
  picture = arrange(view.boxes, view.links);
  scene.replaceChildren();
  nodes = drawPicture(scene, picture, data);
  if (!nodes.has(focused)) focused = picture.boxes[0]?.shown.path ?? null;
  nodes.get(focused)?.setAttribute("tabindex", 0);
  highlight();
}

function highlight() {
  const found = placedAt(selected), uses = new Set(found ? sharedIn(found.shown.box) : []), inside = isInside(selected);
  const marked = new Set(hits);
  for (const {shown} of picture.boxes) {
    const node = nodes.get(shown.path);
    node.classList.toggle("selected", shown.path === selected);
    node.setAttribute("aria-selected", shown.path === selected);
    node.classList.toggle("linked", uses.size > 0 && shown.path !== selected && !shown.boxes.length
      && sharedIn(shown.box).some((layer) => uses.has(layer)));
    node.classList.toggle("hit", marked.has(shown.path));
  }
  for (const route of picture.routes) {
    const isNear = selected !== null && (inside(route.start) || route.ends.some(inside));
    route.node.classList.toggle("near", isNear);
  }
}

const placedAt = (path) => picture.boxes.find((placed) => placed.shown.path === path);
const isInside = (path) => {
  const within = new Set(), found = path === null ? null : placedAt(path), waiting = found ? [found.shown] : [];
  for (const shown of waiting) within.add(shown.path), waiting.push(...shown.boxes);
  return (each) => within.has(each);
};
function sharedIn(box) {
  if (box.shared) return box.shared;
  const own = (data.details[box.details].layers ?? []).map((layer) => layer.shared).filter((each) => each !== undefined);
  const inner = box.model === null ? box.boxes : data.diagrams[box.model].boxes;
  return (box.shared = [...new Set([...own, ...inner.flatMap(sharedIn)])]);
}

function setTransform() {
  scene.setAttribute("transform", `translate(${panX.toFixed(2)} ${panY.toFixed(2)}) scale(${zoom.toFixed(4)})`);
}
const frame = () => stage.getBoundingClientRect();
function zoomAt(factor, x, y) {
  const next = Math.min(4, Math.max(0.02, zoom * factor));
  panX = x - ((x - panX) * next) / zoom;
  panY = y - ((y - panY) * next) / zoom;
  zoom = next;
  setTransform();
}
const zoomBy = (factor) => zoomAt(factor, frame().width / 2, frame().height / 2);
function fit(isWhole) {
  const {width, height} = frame(), across = width / (picture.width + 32), down = height / (picture.height + 32);
  zoom = isWhole ? Math.min(1.5, across, down) : Math.min(1, Math.max(across, 0.6));
  panX = (width - picture.width * zoom) / 2;
  panY = Math.max(16, (height - picture.height * zoom) / 2);
  const first = picture.boxes[0];
  if (!isWhole && zoom > across && first) panX = width / 2 - (first.x + first.width / 2) * zoom;
  setTransform();
}
function reveal(path) {
  const placed = placedAt(path), {width, height} = frame();
  if (!placed) return;
  const cover = details.hidden ? [0, 0] : coverOf(details.getBoundingClientRect());
  const [roomX, roomY] = [width - cover[0], height - cover[1]];
  const left = placed.x * zoom + panX, top = placed.y * zoom + panY, tall = Math.min(placed.height * zoom, roomY - 60);
  const wide = Math.min(placed.width * zoom, roomX - 40);
  if (left < 16) panX += 16 - left; else if (left + wide > roomX - 16) panX -= left + wide - roomX + 16;
  if (top < 16) panY += 40 - top; else if (top + tall > roomY - 16) panY -= top + tall - roomY + 40;
  setTransform();
}
const coverOf = (box) => (box.width < innerWidth - 40 ? [box.width + 16, 0] : [0, box.height]);

// A fold keeps the box under the pointer where it is.
function keepPlace(path, change) {
  const before = placedAt(path);
  const [x, y] = before ? [before.x * zoom + panX, before.y * zoom + panY] : [0, 0];
  change();
  const after = placedAt(path);
  if (before && after) [panX, panY] = [x - after.x * zoom, y - after.y * zoom];
  setTransform();
}

function toggle(path, open = !unfolded.has(path)) {
  const placed = placedAt(path);
  if (!placed || !isGroup(placed.shown.box) || open === unfolded.has(path)) return;
  open ? unfolded.add(path) : unfolded.delete(path);
  focused = path;
  keepPlace(path, draw);
  nodes.get(path).focus({preventScroll: true});
  const count = placedAt(path).shown.boxes.length;
  say(`${placed.shown.box.title} ${open ? `unfolded: ${count} ${count === 1 ? "box" : "boxes"}` : "folded"}`);
}

function foldAll(open) {
  if (!open) unfolded.clear();
  for (let i = 0; open && i < 100; i++) {
    const more = new View(data, unfolded).boxes.flatMap(everyShown).filter((each) => isGroup(each.box) && !each.boxes.length);
    if (!more.length || more.length + unfolded.size > 3000) break;
    for (const shown of more) unfolded.add(shown.path);
  }
  draw();
  fit(false);
  say(open ? "everything is unfolded" : "everything is folded");
}
const everyShown = (shown) => [shown, ...shown.boxes.flatMap(everyShown)];

function focus(path) {
  nodes.get(focused)?.setAttribute("tabindex", -1);
  focused = path;
  const node = nodes.get(path);
  node?.setAttribute("tabindex", 0);
  node?.focus({preventScroll: true});
  reveal(path);
}

// Unfolds what is around a box that is not drawn, then shows it.
function open(path) {
  const parts = path.split(INSIDE);
  parts.forEach((key, number) => {
    const prefix = parts.slice(0, number).join(INSIDE), start = number ? prefix + INSIDE : "";
    const diagram = data.diagrams[number ? modelAt(prefix) : 0];
    diagram.parents ??= parentsOf(diagram);
    for (const box of diagram.parents.get(key) ?? []) if (start + box.key !== path) unfolded.add(start + box.key);
  });
  draw();
}
function modelAt(path) {
  return path.split(INSIDE).reduce((number, key) => {
    const diagram = data.diagrams[number];
    diagram.parents ??= parentsOf(diagram);
    return diagram.parents.get(key).at(-1).model;
  }, 0);
}
function goTo(path) {
  if (!nodes.has(path)) open(path);
  if (!nodes.has(path)) return;
  focus(path);
  select(path);
}

// ---- details
function select(path) {
  selected = path;
  details.hidden = path === null;
  if (path !== null) describeBox(placedAt(path).shown);
  highlight();
  if (path !== null) reveal(path);
}

function describeBox({path, box}) {
  const found = data.details[box.details], parts = [];
  const put = (...children) => parts.push(...children);
  put(html("button", {class: "close", "aria-label": "close the details", title: "close (Escape)"}, "×"));
  put(html("h2", {}, box.title || box.lines.map(([name]) => name).join(", ")), html("p", {class: "quiet"}, found.kind));
  const facts = [];
  if (found.parameters) facts.push(["parameters", found.parameters]);
  put(table([...facts, ...(found.arguments ?? [])]));
  for (const number of found.findings) put(findingNode(data.findings[number]));
  for (const [title, links] of [["takes", linksOf(path, "end", "start")], ["feeds", linksOf(path, "start", "end")]]) {
    if (links.length) put(html("h3", {}, title), html("p", {class: "links"}, ...links));
  }
  for (const layer of found.layers ?? []) put(layerNode(layer, path));
  if (found.places.length) put(html("h3", {}, "in the spec"), ...found.places.map(placeNode));
  details.replaceChildren(...parts);
  details.scrollTop = 0;
  details.querySelector(".close").addEventListener("click", close);
}

function close() {
  const path = selected;
  select(null);
  if (path !== null && nodes.has(path)) focus(path);
}

function linksOf(path, here, there) {
  const inside = isInside(path), found = new Map();
  for (const link of view.links) if (inside(link[here]) && !inside(link[there])) found.set(link[there], link.text);
  return [...found].map(([other, text]) => {
    const placed = placedAt(other), name = placed.shown.box.title || placed.shown.box.lines[0]?.[0] || "a part";
    return button(text && text !== name ? `${name} (${text})` : name, () => goTo(other));
  });
}
function button(text, act) {
  const made = html("button", {type: "button"}, text);
  made.addEventListener("click", act);
  return made;
}

const table = (rows) => rows.length
  ? html("table", {}, html("tbody", {}, ...rows.map(([name, value]) => html("tr", {}, html("th", {scope: "row"}, name), html("td", {}, value)))))
  : null;

function layerNode(layer, path) {
  const title = html("summary", {}, html("b", {}, layer.text), " ", html("span", {class: "quiet"}, layer.shape));
  const rows = [["name in Keras", layer.name], ["output", layer.shape], ["parameters", layer.parameters]];
  if (layer.frozen) rows.push(["trainable", "no"]);
  const made = html("details", {class: "layer", open: ""}, title);
  if (layer.about) made.append(html("p", {class: "quiet"}, layer.about));
  made.append(table([...rows, ...layer.arguments, ...layer.call.map(([name, value]) => [`call: ${name}`, value])]));
  if (layer.shared !== undefined) {
    const others = usesOf(layer.shared).filter((each) => each !== path);
    made.append(html("p", {}, "Shared with"), html("p", {class: "links"}, ...others.slice(0, 50).map((each) => button(nameOf(each), () => goTo(each)))));
  }
  made.append(...(layer.places ?? []).map(placeNode));
  return made;
}

const placeNode = ([source, first, last]) => excerpt({...data.sources[source], first, last});
function excerpt({name, lines, first, last}) {
  const body = html("ol", {start: first});
  for (let number = first; number <= last; number++) {
    if (lines[number] === undefined) {
      body.append(html("li", {}, `… ${last - number + 1} more lines`));
      break;
    }
    body.append(html("li", {}, html("code", {}, lines[number])));
  }
  return html("figure", {class: "place"}, html("figcaption", {}, first === last ? `${name}:${first}` : `${name}:${first}–${last}`), body);
}

// ---- every box of the graph, whether drawn or not, by its path
let index = null;
function everything() {
  if (index) return index;
  index = [];
  const waiting = data.diagrams[0].boxes.map((box) => [box, ""]);
  for (const [box, prefix] of waiting) {
    if (index.length >= 50000) break;
    index.push([prefix + box.key, box]);
    for (const inner of box.boxes) waiting.push([inner, prefix]);
    if (box.model !== null) for (const inner of data.diagrams[box.model].boxes) waiting.push([inner, prefix + box.key + INSIDE]);
  }
  return index;
}
const nameOf = (path) => everything().find(([each]) => each === path)?.[1].title || path.split(INSIDE).at(-1);
const usesOf = (layer) => everything()
  .filter(([, box]) => (data.details[box.details].layers ?? []).some((each) => each.shared === layer)).map(([path]) => path);

// ---- search
const textOf = (box) => box.text ??= [box.title, box.whole, ...(data.details[box.details].layers ?? []).flatMap((layer) => [layer.name, layer.text])]
  .join("\n").toLowerCase();
function find() {
  const words = search.value.trim().toLowerCase();
  const found = words ? everything().filter(([, box]) => textOf(box).includes(words)) : [];
  const exact = ([, box]) => (box.title.toLowerCase().startsWith(words) ? 0 : 1) + (isGroup(box) ? 0.5 : 0);
  hits = found.sort((a, b) => exact(a) - exact(b)).map(([path]) => path);
  hit = -1;
  matches.textContent = words ? `${hits.length.toLocaleString("en")} found` : "";
  highlight();
}
function nextHit(step) {
  if (!hits.length) return say(search.value ? "nothing found" : "");
  hit = (hit + step + hits.length) % hits.length;
  const path = hits[hit];
  if (!nodes.has(path)) open(path);
  nodes.get(focused)?.setAttribute("tabindex", -1);
  focused = path;
  nodes.get(path).setAttribute("tabindex", 0);
  select(path);
  matches.textContent = `${hit + 1} of ${hits.length.toLocaleString("en")}`;
  say(`${hit + 1} of ${hits.length}: ${nodes.get(path).getAttribute("aria-label")}`);
}

// ---- findings
function findingNode(found) {
  const made = html("div", {class: `finding ${found.severity}`}, html("b", {}, `${found.severity} ${found.rule}`), html("p", {}, found.message));
  if (found.expected) made.append(html("p", {class: "quiet"}, `expected: ${found.expected}`));
  if (found.help) made.append(html("p", {class: "quiet"}, found.help));
  if (found.place) made.append(excerpt(found.place));
  return made;
}
function showFindings() {
  const panel = $("findings"), list = data.findings.map((found, number) => {
    const made = findingNode(found), at = everything().find(([, box]) => data.details[box.details].findings.includes(number));
    if (at) made.append(button("show in the graph", () => goTo(at[0])));
    return made;
  });
  const count = data.findings.length;
  panel.hidden = !count && !data.stale;
  const title = html("summary", {}, count === 1 ? "1 finding" : `${count} findings`);
  const note = data.stale ? html("p", {class: "stale"}, "The spec cannot be drawn as it is: this is how it was before.") : null;
  panel.replaceChildren(title, ...[note, ...list].filter((each) => each !== null));
}
