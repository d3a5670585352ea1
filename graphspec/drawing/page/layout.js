"use strict";
// The layout of `drawing/layering.py`, `placing.py` and `nesting.py` once more: a test holds both against each other.
const GAP = 28, ROW_GAP = 40, EDGE_GAP = 18, LANE = 14, SWEEPS = 12, PORT_GAP = 14, PORT_MARGIN = 12;
const HEAD = 28, INNER = 14, IN = "\0in ", OUT = "\0out ";

const listed = (map, key) => map.get(key) ?? (map.set(key, []), map.get(key));
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

function layOut(sizes, arrows, top, bottom, ports) {
  const turned = turnedOf(sizes.keys(), arrows), fixed = new Map();
  arrows = arrows.map(([start, end], number) => (turned.has(number) ? [end, start] : [start, end]));
  for (const [key, x] of ports) {
    const [number, isEnd] = key.split(" ").map(Number);
    fixed.set(`${number} ${turned.has(number) ? 1 - isEnd : isEnd}`, x);
  }
  const rows = rowsOf([...sizes.keys()], arrows, top, bottom), items = new Map();
  for (const [key, [width, height]] of sizes) items.set(key, {width, height, row: rows.get(key), lane: false, x: 0});
  const chains = arrows.map(([start, end], number) => {
    const chain = [start];
    for (let row = rows.get(start) + 1; row < rows.get(end); row++) {
      chain.push(`\0${number}/${row}`);
      items.set(chain.at(-1), {width: LANE, height: 0, row, lane: true, x: 0});
    }
    return [...chain, end];
  });
  const above = new Map(), below = new Map();
  for (const key of items.keys()) above.set(key, []), below.set(key, []);
  for (const chain of chains) {
    for (let i = 1; i < chain.length; i++) below.get(chain[i - 1]).push(chain[i]), above.get(chain[i]).push(chain[i - 1]);
  }
  const order = [];
  for (let row = 0; row <= Math.max(0, most([...items.values()].map((item) => item.row))); row++) order.push([]);
  for (const [key, item] of items) order[item.row].push(key);
  sortRows(order, above, below);
  place(order, items, above, below);
  const placement = finished(order, items, sizes, chains, fixed);
  for (const number of turned) placement.routes[number].reverse();
  return placement;
}

// One arrow of each cycle goes up.
function turnedOf(keys, arrows) {
  const after = new Map([...keys].map((key) => [key, []])), turned = new Set(), done = new Set();
  arrows.forEach(([start, end], number) => after.get(start).push([number, end]));
  for (const first of after.keys()) {
    const path = [[first, after.get(first).values()]], active = new Set([first]);
    while (path.length && !done.has(first)) {
      const [key, ends] = path.at(-1), next = ends.next();
      if (next.done) {
        path.pop();
        active.delete(key);
        done.add(key);
        continue;
      }
      const [number, end] = next.value;
      if (active.has(end)) turned.add(number);
      else if (!done.has(end)) path.push([end, after.get(end).values()]), active.add(end);
    }
  }
  return turned;
}

function rowsOf(keys, arrows, top, bottom) {
  const first = top.size ? 1 : 0;
  const rows = new Map(keys.map((key) => [key, top.has(key) ? 0 : first]));
  const after = new Map(keys.map((key) => [key, []])), waits = new Map(keys.map((key) => [key, 0]));
  for (const [start, end] of arrows) after.get(start).push(end), waits.set(end, waits.get(end) + 1);
  const sources = keys.filter((key) => !waits.get(key)), ready = [...sources];
  for (const key of ready) {
    for (const end of after.get(key)) {
      rows.set(end, Math.max(rows.get(end), rows.get(key) + 1));
      waits.set(end, waits.get(end) - 1);
      if (!waits.get(end)) ready.push(end);
    }
  }
  for (const key of sources) {
    const ends = after.get(key);
    if (ends.length && !top.has(key)) rows.set(key, least(ends.map((end) => rows.get(end))) - 1);
  }
  const last = 1 + Math.max(-1, most(keys.filter((key) => !bottom.has(key)).map((key) => rows.get(key))));
  for (const key of bottom) rows.set(key, last);
  return rows;
}

function sortRows(order, above, below) {
  let best = order.map((row) => [...row]), fewest = crossings(order, below);
  for (let sweep = 0; sweep < SWEEPS && fewest; sweep++) {
    const down = sweep % 2 === 0, neighbours = down ? above : below;
    for (let i = 1; i < order.length; i++) {
      const number = down ? i : order.length - 1 - i;
      const at = new Map(order[down ? number - 1 : number + 1].map((key, index) => [key, index]));
      const centres = new Map(order[number].map((key, index) => {
        const linked = neighbours.get(key).map((each) => at.get(each));
        return [key, linked.length ? linked.reduce((a, b) => a + b, 0) / linked.length : index];
      }));
      order[number].sort((a, b) => centres.get(a) - centres.get(b));
    }
    const count = crossings(order, below);
    if (count < fewest) best = order.map((row) => [...row]), fewest = count;
  }
  best.forEach((row, number) => (order[number] = row));
}

function crossings(order, below) {
  let count = 0;
  for (let i = 1; i < order.length; i++) {
    const at = new Map(order[i].map((key, index) => [key, index]));
    const sums = new Array(order[i].length + 1).fill(0);
    let seen = 0;
    for (const key of order[i - 1]) {
      const ends = below.get(key).map((each) => at.get(each));
      for (const end of ends) {
        let before = 0;
        for (let spot = end + 1; spot > 0; spot -= spot & -spot) before += sums[spot];
        count += seen - before;
      }
      for (const end of ends) for (let spot = end + 1; spot < sums.length; spot += spot & -spot) sums[spot]++;
      seen += ends.length;
    }
  }
  return count;
}

// Brandes and Köpf: four alignments, each compacted; the mean of the two middle places.
function place(order, items, above, below) {
  const conflicts = conflictsOf(order, items, above), found = [];
  for (const down of [true, false]) {
    for (const right of [true, false]) {
      const turned = (down ? order : [...order].reverse()).map((row) => (right ? row : [...row].reverse()));
      const places = compact(turned, items, align(turned, down ? above : below, conflicts));
      if (!right) for (const [key, x] of places) places.set(key, -x);
      found.push(places);
    }
  }
  const bounds = found.map((places) => {
    let low = Infinity, high = -Infinity;
    for (const [key, x] of places) {
      low = Math.min(low, x - items.get(key).width / 2);
      high = Math.max(high, x + items.get(key).width / 2);
    }
    return places.size ? [low, high] : [0, 0];
  });
  const [low, high] = bounds.reduce((a, b) => (b[1] - b[0] < a[1] - a[0] ? b : a));
  for (const [key, item] of items) {
    const places = found.map((each, i) => each.get(key) + (i % 2 === 0 ? low - bounds[i][0] : high - bounds[i][1]));
    places.sort((a, b) => a - b);
    item.x = (places[1] + places[2]) / 2;
  }
}

function conflictsOf(order, items, above) {
  const conflicts = new Set();
  for (let i = 1; i < order.length; i++) {
    const upper = order[i - 1], lower = order[i], at = new Map(upper.map((key, index) => [key, index]));
    let start = 0, before = -1;
    lower.forEach((key, number) => {
      const inner = items.get(key).lane ? above.get(key).find((each) => items.get(each).lane) : undefined;
      if (inner === undefined && number < lower.length - 1) return;
      const after = inner === undefined ? upper.length : at.get(inner);
      for (const other of lower.slice(start, number + 1)) {
        for (const end of above.get(other)) {
          const isInner = items.get(other).lane && items.get(end).lane;
          if (!isInner && !(before <= at.get(end) && at.get(end) <= after)) conflicts.add(`${end}\n${other}`);
        }
      }
      start = number + 1;
      before = after;
    });
  }
  return conflicts;
}

function align(order, neighbours, conflicts) {
  const root = new Map(order.flat().map((key) => [key, key])), taken = new Set();
  for (let i = 1; i < order.length; i++) {
    const at = new Map(order[i - 1].map((key, index) => [key, index]));
    let last = -1;
    for (const key of order[i]) {
      const linked = [...neighbours.get(key)].sort((a, b) => at.get(a) - at.get(b));
      for (const middle of linked.slice(Math.floor((linked.length - 1) / 2), Math.floor(linked.length / 2) + 1)) {
        const free = !taken.has(middle) && !conflicts.has(`${middle}\n${key}`) && !conflicts.has(`${key}\n${middle}`);
        if (root.get(key) === key && free && last < at.get(middle)) {
          root.set(key, root.get(middle));
          last = at.get(middle);
          taken.add(middle);
        }
      }
    }
  }
  return root;
}

function compact(order, items, root) {
  const after = new Map([...root.values()].map((key) => [key, new Map()]));
  const waits = new Map([...after.keys()].map((key) => [key, 0])), places = new Map(waits);
  for (const row of order) {
    for (let i = 1; i < row.length; i++) {
      const start = after.get(root.get(row[i - 1])), end = root.get(row[i]);
      const distance = (items.get(row[i - 1]).width + items.get(row[i]).width) / 2 + GAP;
      if (!start.has(end)) waits.set(end, waits.get(end) + 1);
      start.set(end, Math.max(distance, start.get(end) ?? 0));
    }
  }
  const ready = [...waits.keys()].filter((key) => !waits.get(key));
  for (const key of ready) {
    for (const [end, distance] of after.get(key)) {
      places.set(end, Math.max(places.get(end), places.get(key) + distance));
      waits.set(end, waits.get(end) - 1);
      if (!waits.get(end)) ready.push(end);
    }
  }
  for (const key of ready.reverse()) {
    const ends = [...after.get(key)].map(([end, distance]) => places.get(end) - distance);
    if (ends.length) places.set(key, Math.max(places.get(key), least(ends)));
  }
  return new Map([...root].map(([key, first]) => [key, places.get(first)]));
}

function finished(order, items, sizes, chains, fixed) {
  const all = [...items.values()], left = all.length ? least(all.map((item) => item.x - item.width / 2)) : 0;
  for (const item of all) item.x -= left;
  const heights = order.map((row) => Math.max(0, most(row.map((key) => items.get(key).height))));
  const tops = [];
  let y = 0;
  heights.forEach((height, number) => {
    tops.push(y);
    const isEdge = !height || (number + 1 < heights.length && !heights[number + 1]);
    y += height + (isEdge ? EDGE_GAP : ROW_GAP);
  });
  y -= heights.at(-1) ? ROW_GAP : EDGE_GAP;
  const ports = portsOf(items, chains, fixed);
  const routes = chains.map((chain, number) => {
    const first = items.get(chain[0]), points = [[ports.get(`${number} 0`), tops[first.row] + first.height]];
    for (let step = 1; step < chain.length; step++) {
      const upper = items.get(chain[step - 1]), lower = items.get(chain[step]);
      points.push([step === 1 ? ports.get(`${number} 0`) : upper.x, tops[upper.row] + heights[upper.row]]);
      points.push([step === chain.length - 1 ? ports.get(`${number} 1`) : lower.x, tops[lower.row]]);
    }
    return points;
  });
  const places = new Map();
  for (const key of sizes.keys()) places.set(key, [items.get(key).x - items.get(key).width / 2, tops[items.get(key).row]]);
  return {places, routes, width: all.length ? most(all.map((item) => item.x + item.width / 2)) : 0, height: y};
}

function portsOf(items, chains, fixed) {
  const ends = new Map(), ports = new Map();
  chains.forEach((chain, number) => {
    for (const isEnd of [0, 1]) {
      const [box, other] = isEnd ? [chain.at(-1), chain.at(-2)] : [chain[0], chain[1]];
      const item = items.get(box), set = fixed.get(`${number} ${isEnd}`);
      listed(ends, `${isEnd}${box}`).push([set === undefined ? items.get(other).x : item.x - item.width / 2 + set, number]);
    }
  });
  for (const [key, wanted] of ends) {
    const isEnd = key[0], item = items.get(key.slice(1)), count = wanted.length;
    wanted.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const isFixed = wanted.every(([, number]) => fixed.has(`${number} ${isEnd}`));
    const margin = Math.min(PORT_MARGIN, item.width / 4);
    const gap = Math.min(PORT_GAP, (item.width - 2 * margin) / Math.max(1, count - 1));
    const low = item.x - item.width / 2 + margin, high = item.x + item.width / 2 - margin;
    let last = -Infinity;
    wanted.forEach(([x, number], i) => {
      if (!isFixed) x = Math.max(last + gap, Math.min(Math.max(x, low + gap * i), high - gap * (count - 1 - i)));
      ports.set(`${number} ${isEnd}`, x);
      last = x;
    });
  }
  return ports;
}

// Groups are laid out from the inside out; an arrow enters and leaves a group through a port for its tensor.
function arrange(boxes, links) {
  const groups = new Map([["", {boxes, arrows: new Map(), least: 0}]]), chains = new Map();
  const waiting = boxes.map((shown) => [shown, [""]]);
  for (const [shown, chain] of waiting) {
    chains.set(shown.path, [...chain, shown.path]);
    if (!shown.boxes.length) continue;
    groups.set(shown.path, {boxes: shown.boxes, arrows: new Map(), least: shown.box.w});
    for (const inner of shown.boxes) waiting.push([inner, chains.get(shown.path)]);
  }
  for (const link of links) splitLink(link, chains.get(link.start), chains.get(link.end), groups);
  for (const key of [...groups.keys()].reverse()) placeGroup(groups.get(key), groups, key ? INNER : 0);
  const [width, height] = groups.get("").size, picture = {width, height, boxes: [], routes: []};
  collect(picture, groups, "", 0, 0);
  return picture;
}

function splitLink(link, start, end, groups) {
  let shared = 0;
  while (start[shared] === end[shared]) shared++;
  const parts = [];
  for (let i = shared; i < start.length - 1; i++) parts.push([start[i], start[i + 1], OUT + link.start]);
  parts.push([start[shared - 1], start[shared], end[shared]]);
  for (let i = shared; i < end.length - 1; i++) parts.push([end[i], IN + link.start, end[i + 1]]);
  for (const [group, one, other] of parts) {
    const tensor = groups.has(one) || groups.has(other) ? link.start : "", {arrows} = groups.get(group);
    const key = JSON.stringify([one, other, tensor]);
    if (!arrows.has(key)) arrows.set(key, {one, other, tensor, links: []});
    arrows.get(key).links.push(link);
  }
}

function placeGroup(group, groups, inner) {
  const sizes = new Map(), top = new Set(), bottom = new Set(), fixed = new Map(), arrows = [...group.arrows.values()];
  for (const {path, box, boxes} of group.boxes) sizes.set(path, boxes.length ? groups.get(path).size : [box.w, box.h]);
  for (const {one, other} of arrows) {
    if (one.startsWith(IN)) top.add(one);
    if (other.startsWith(OUT)) bottom.add(other);
  }
  for (const port of [...top, ...bottom]) sizes.set(port, [LANE, 0]);
  arrows.forEach(({one, other, tensor}, number) => {
    if (groups.has(one)) fixed.set(`${number} 0`, groups.get(one).offsets.get(OUT + tensor));
    if (groups.has(other)) fixed.set(`${number} 1`, groups.get(other).offsets.get(IN + tensor));
  });
  const placement = layOut(sizes, arrows.map(({one, other}) => [one, other]), top, bottom, fixed);
  const width = Math.max(placement.width + 2 * inner, group.least);
  group.placement = placement;
  group.left = (width - placement.width) / 2;
  group.offsets = new Map([...top, ...bottom].map((port) => [port, group.left + placement.places.get(port)[0] + LANE / 2]));
  group.size = [width, placement.height + (inner ? HEAD + 2 * inner : 0)];
}

function collect(picture, groups, key, left, top) {
  const group = groups.get(key), x = left + group.left, y = top + (key ? HEAD + INNER : 0);
  [...group.arrows.values()].forEach(({one, other, links}, number) => {
    const points = group.placement.routes[number].map(([atX, atY]) => [x + atX, y + atY]);
    if (one.startsWith(IN)) points[0][1] = y - INNER;
    if (other.startsWith(OUT)) points.push([points.at(-1)[0], top + group.size[1]]);
    const text = [...new Set(links.map((link) => link.text).filter(Boolean))].join(", ");
    const ends = [...new Set(links.map((link) => link.end))];
    picture.routes.push({points, start: links[0].start, ends, text, isLast: !other.startsWith(OUT) && !groups.has(other)});
  });
  for (const shown of group.boxes) {
    const [atX, atY] = group.placement.places.get(shown.path);
    const [width, height] = shown.boxes.length ? groups.get(shown.path).size : [shown.box.w, shown.box.h];
    picture.boxes.push({shown, x: x + atX, y: y + atY, width, height});
    if (shown.boxes.length) collect(picture, groups, shown.path, x + atX, y + atY);
  }
}
