// Pointer, keyboard, buttons, printing, and the server of a watched file.
const pathOf = (target) => target.closest?.(".node")?.dataset.path ?? null;

const pointers = new Map();
let moved = 0;
stage.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  pointers.set(event.pointerId, [event.clientX, event.clientY]);
  moved = pointers.size > 1 ? 99 : 0;
});
stage.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const [dx, dy] = [event.clientX - before[0], event.clientY - before[1]];
  if (pointers.size === 2) {
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1], box = frame();
    const apart = (x, y) => Math.hypot(x - other[0], y - other[1]);
    const factor = apart(event.clientX, event.clientY) / Math.max(1, apart(...before));
    zoomAt(factor, (event.clientX + other[0]) / 2 - box.left, (event.clientY + other[1]) / 2 - box.top);
    panX += dx / 2;
    panY += dy / 2;
  } else {
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved < 4) return;
    if (!stage.hasPointerCapture(event.pointerId)) stage.setPointerCapture(event.pointerId);
    panX += dx;
    panY += dy;
  }
  pointers.set(event.pointerId, [event.clientX, event.clientY]);
  setTransform();
});
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => pointers.delete(event.pointerId));
stage.addEventListener("click", (event) => {
  if (moved >= 4) return;
  const path = pathOf(event.target);
  if (path === null) return select(null);
  if (event.target.closest(".fold")) return toggle(path);
  focus(path);
  select(path);
});
stage.addEventListener("dblclick", (event) => {
  const path = pathOf(event.target);
  if (path !== null && !event.target.closest(".fold")) toggle(path);
});
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = frame(), unit = event.deltaMode ? 20 : 1;
  if (event.ctrlKey || event.metaKey) {
    zoomAt(Math.exp(-event.deltaY * unit * 0.01), event.clientX - box.left, event.clientY - box.top);
  } else {
    panX -= (event.shiftKey ? event.deltaY : event.deltaX) * unit;
    panY -= (event.shiftKey ? 0 : event.deltaY) * unit;
    setTransform();
  }
}, {passive: false});

function step(event) {
  const order = picture.boxes.map((placed) => placed.shown), at = order.findIndex((shown) => shown.path === focused);
  const shown = order[at], go = (path) => (path === undefined ? null : focus(path));
  if (!shown) return false;
  switch (event.key) {
    case "ArrowDown": go(order[at + 1]?.path); break;
    case "ArrowUp": go(order[at - 1]?.path); break;
    case "Home": go(order[0].path); break;
    case "End": go(order.at(-1).path); break;
    case "ArrowRight":
      if (shown.boxes.length) go(shown.boxes[0].path); else toggle(shown.path, true);
      break;
    case "ArrowLeft":
      if (shown.boxes.length) toggle(shown.path, false); else go(shown.parent?.path);
      break;
    case "Enter": select(shown.path); say("details shown"); break;
    case " ": toggle(shown.path); break;
    default: return false;
  }
  return true;
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target === search, onStage = stage.contains(event.target);
  let done = true;
  if (event.key === "Escape") {
    if (isTyping || search.value) search.value = "", find(), nodes.get(focused)?.focus({preventScroll: true});
    else close();
  } else if (isTyping) {
    if (event.key === "Enter") nextHit(event.shiftKey ? -1 : 1); else done = false;
  } else if (event.key === "+" || event.key === "=") zoomBy(1.25);
  else if (event.key === "-") zoomBy(0.8);
  else if (event.key === "0") fit(true);
  else if (event.key === "/") search.focus(), search.select();
  else done = onStage && step(event);
  if (done) event.preventDefault();
});
search.addEventListener("input", find);
for (const [id, act] of Object.entries({
  "zoom-in": () => zoomBy(1.25), "zoom-out": () => zoomBy(0.8), "zoom-fit": () => fit(true),
  "fold-all": () => foldAll(false), "unfold-all": () => foldAll(true), "next": () => nextHit(1),
})) $(id).addEventListener("click", act);

addEventListener("beforeprint", () => {
  stage.setAttribute("viewBox", `-8 -8 ${picture.width + 16} ${picture.height + 16}`);
  scene.removeAttribute("transform");
});
addEventListener("afterprint", () => {
  stage.removeAttribute("viewBox");
  setTransform();
});

draw();
fit(false);
showFindings();

// Show the smallest box that holds a line of a file, without taking the keyboard: an editor calls it as its cursor moves.
function showPlace(file, line) {
  const holds = ([source, first, last]) => data.sources[source].name === file && first <= line && line <= last;
  let best = null, size = Infinity;
  for (const [path, box] of everything()) {
    for (const place of data.details[box.details].places.filter(holds)) {
      if (place[2] - place[1] < size) [best, size] = [path, place[2] - place[1]];
    }
  }
  if (best === null || best === selected) return;
  if (!nodes.has(best)) open(best);
  select(best);
}

if (data.watch) {
  const events = new EventSource("events");
  let known = JSON.stringify(data);
  events.addEventListener("message", (event) => {
    $("watch").textContent = "watching";
    if (event.data === known) return;
    known = event.data;
    const next = JSON.parse(event.data), held = data;
    data = next.diagrams ? next : {...held, findings: next.findings, stale: true};
    if (!next.diagrams) for (const each of data.details) each.findings = [];
    index = null;
    const before = selected;
    const keep = focused;
    keepPlace(keep, draw);
    select(before !== null && nodes.has(before) ? before : null);
    if (search.value) find();
    showFindings();
    const count = data.findings.length;
    say(`drawn again, ${count ? `${count} finding${count > 1 ? "s" : ""}` : "no findings"}`);
  });
  events.addEventListener("error", () => ($("watch").textContent = "not connected"));
}
