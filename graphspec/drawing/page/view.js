// Which boxes and arrows are drawn while some groups are unfolded, as in `drawing/view.py`; and their SVG.
const SVG = "http://www.w3.org/2000/svg", INSIDE = " ", LINE = 19, MARK = 22, FOLD = 16, PADDING = 12;
const isGroup = (box) => box.boxes.length > 0 || box.model !== null;

function parentsOf(diagram) {
  const found = new Map(), waiting = diagram.boxes.map((box) => [box, [box]]);
  for (const [box, chain] of waiting) {
    found.set(box.key, chain);
    for (const inner of box.boxes) waiting.push([inner, [...chain, inner]]);
  }
  return found;
}

class View {
  constructor(data, unfolded) {
    this.data = data;
    this.unfolded = unfolded;
    this.instances = [["", 0]];
    this.boxes = this.shown(data.diagrams[0].boxes, "", 0, null);
    this.links = this.linked();
  }

  shown(boxes, prefix, depth, parent) {
    return boxes.map((box) => {
      const shown = {path: prefix + box.key, box, depth, parent, boxes: []};
      if (isGroup(box) && this.unfolded.has(shown.path)) {
        let inner = box.boxes, innerPrefix = prefix;
        if (box.model !== null) {
          [inner, innerPrefix] = [this.data.diagrams[box.model].boxes, shown.path + INSIDE];
          this.instances.push([innerPrefix, box.model]);
        }
        shown.boxes = this.shown(inner, innerPrefix, depth + 1, shown);
      }
      return shown;
    });
  }

  linked() {
    const found = new Map();
    for (const [prefix, number] of this.instances) {
      for (const [from, to, text, output, input] of this.data.diagrams[number].arrows) {
        const ends = this.ends(prefix, number, to, input, false);
        for (const start of this.ends(prefix, number, from, output, true)) {
          for (const end of ends) {
            if (start === end) continue;
            const key = `${start}\n${end}`;
            if (!found.has(key)) found.set(key, {start, end, texts: new Set()});
            if (text) found.get(key).texts.add(text);
          }
        }
      }
    }
    return [...found.values()].map(({start, end, texts}) => ({start, end, text: [...texts].join(", ")}));
  }

  ends(prefix, number, key, name, isStart) {
    const diagram = this.data.diagrams[number];
    diagram.parents ??= parentsOf(diagram);
    const chain = diagram.parents.get(key);
    for (const box of chain) if (isGroup(box) && !this.unfolded.has(prefix + box.key)) return [prefix + box.key];
    const box = chain.at(-1);
    if (box.model === null) return [prefix + key];
    const inside = this.data.diagrams[box.model], named = isStart ? inside.outputs : inside.inputs;
    const keys = new Set(Object.hasOwn(named, name) ? [named[name]] : Object.values(named));
    return [...keys].flatMap((each) => this.ends(prefix + key + INSIDE, box.model, each, "", isStart));
  }
}

function element(parent, name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function routePath(points) {
  let [[x, y]] = points, path = `M${x.toFixed(1)} ${y.toFixed(1)}`;
  points.slice(1).forEach(([toX, toY], number) => {
    const half = (toY - y) / 2, end = `${toX.toFixed(1)} ${toY.toFixed(1)}`;
    path += number % 2 ? `C${x.toFixed(1)} ${(y + half).toFixed(1)} ${toX.toFixed(1)} ${(toY - half).toFixed(1)} ${end}` : `L${end}`;
    [x, y] = [toX, toY];
  });
  return path;
}

function drawPicture(root, picture, data) {
  const nodes = new Map();
  for (const {shown, x, y, width, height} of picture.boxes) {
    if (!shown.boxes.length) continue;
    element(root, "rect", {class: shown.depth % 2 ? "frame odd" : "frame", x, y, width, height, rx: 8});
  }
  for (const route of picture.routes) {
    const group = element(root, "g", {class: "route"}), [x, y] = route.points.at(-1);
    const tip = route.points.at(-2)[1] > y ? 7 : -7;
    const path = element(group, "path", {class: "arrow", d: routePath(route.points)});
    if (route.text) element(path, "title", {}, route.text);
    if (route.isLast) element(group, "path", {class: "tip", d: `M${x.toFixed(1)} ${y.toFixed(1)}l-3.5 ${tip}h7z`});
    route.node = group;
  }
  for (const placed of picture.boxes) nodes.set(placed.shown.path, drawBox(root, placed, data));
  return nodes;
}

function drawBox(root, {shown, x, y, width, height}, data) {
  const {box, boxes} = shown, open = boxes.length > 0, found = data.details[box.details];
  const node = element(root, "g", {
    class: `${box.kind} node${open ? " open" : ""}`, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    "data-path": shown.path, role: "treeitem", tabindex: -1, "aria-level": shown.depth + 1, "aria-label": labelOf(box, found),
  });
  if (isGroup(box)) node.setAttribute("aria-expanded", open);
  element(node, "title", {}, box.whole);
  if (!open) element(node, "rect", {class: "back", width, height, rx: 8});
  const head = open ? HEAD : box.head, isFold = isGroup(box);
  if (box.title) {
    element(node, "path", {class: "head", d: `M0 ${head}v${8 - head}q0 -8 8 -8h${width - 16}q8 0 8 8v${head - 8}z`});
    if (isFold) element(node, "path", {class: "sign", d: `M${PADDING} 14h8${open ? "" : `M${PADDING + 4} 10v8`}`});
    const start = PADDING + (isFold ? FOLD : 0);
    if (box.mark) drawMark(node, box.mark, start, 18, data);
    element(node, "text", {class: "title", x: start + (box.mark ? MARK : 0), y: 18}, box.title);
    if (box.count) element(node, "text", {class: "count", x: width - PADDING, y: 18, "text-anchor": "end"}, box.count);
  }
  element(node, "rect", {class: "box edge", width, height, rx: 8});
  if (!open) drawLines(node, box, width, data);
  if (isFold) element(node, "rect", {class: "fold", width: PADDING + FOLD, height: Math.max(head, 20)});
  if (found.findings.length) {
    const isError = found.findings.some((number) => data.findings[number].severity === "error");
    const badge = element(node, "g", {class: isError ? "badge error" : "badge", transform: `translate(${width} 0)`});
    element(badge, "circle", {r: 9});
    element(badge, "text", {y: 4}, "!");
  }
  return node;
}

function drawLines(node, box, width, data) {
  let y = box.head + 16;
  box.lines.forEach(([text, shape, mark], number) => {
    if (box.skipped && number === box.lines.length / 2) {
      element(node, "text", {class: "more", x: PADDING, y}, `… ${box.skipped} more`);
      y += LINE;
    }
    if (mark) drawMark(node, mark, PADDING, y, data);
    element(node, "text", {class: "layer", x: PADDING + (mark ? MARK : 0), y}, text);
    element(node, "text", {class: "shape", x: width - PADDING, y, "text-anchor": "end"}, shape);
    y += LINE;
  });
}

function drawMark(node, mark, x, y, data) {
  element(node, "rect", {class: `mark-${data.marks[mark]}`, x, y: y - 11, width: 16, height: 14, rx: 4});
  element(node, "text", {class: "mark-text", x: x + 8, y: y - 0.5}, mark);
}

function labelOf(box, found) {
  const count = found.findings.length;
  const parts = [box.title || "part of a node", found.kind, ...box.lines.map(([text, shape]) => `${text} ${shape}`)];
  if (found.parameters && found.parameters !== "0") parts.push(`${found.parameters} parameters`);
  if (count) parts.push(`${count} ${count > 1 ? "findings" : "finding"}`);
  return parts.join(", ");
}
