"use strict";
// A drawing that is wider than the page begins where its first input is.
for (const drawing of document.querySelectorAll(".drawing")) {
  const center = () => {
    const first = drawing.querySelector(".input .box");
    if (!first) return;
    const box = first.getBoundingClientRect(), frame = drawing.getBoundingClientRect();
    drawing.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
  };
  center();
  drawing.closest("details")?.addEventListener("toggle", center, {once: true});
}
// Shows the values of a chart at the epoch under the pointer.
for (const svg of document.querySelectorAll("svg[data-chart]")) {
  const chart = JSON.parse(svg.dataset.chart);
  const [left, top, right, bottom] = chart.plot;
  const scale = chart.log ? Math.log10 : (value) => value;
  const across = (x) => left + ((x - chart.x[0]) / (chart.x[1] - chart.x[0])) * (right - left);
  const low = scale(chart.y[0]), high = scale(chart.y[1]);
  const up = (y) => bottom - ((scale(y) - low) / (high - low)) * (bottom - top);
  const figure = svg.closest("figure");
  const tip = document.createElement("div");
  tip.className = "tip-box";
  tip.hidden = true;
  figure.append(tip);
  const make = (name, kind) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    made.setAttribute("class", kind);
    made.setAttribute("visibility", "hidden");
    svg.append(made);
    return made;
  };
  const line = make("path", "hover");
  const dots = chart.curves.map((curve) => make("circle", `dot ${curve.kind}`));
  dots.forEach((dot) => dot.setAttribute("r", "3.5"));

  const nearest = (points, x) => {
    let start = 0, end = points.length - 1;
    while (end - start > 1) {
      const middle = (start + end) >> 1;
      if (points[middle][0] < x) start = middle; else end = middle;
    }
    return Math.abs(points[start][0] - x) <= Math.abs(points[end][0] - x) ? points[start] : points[end];
  };

  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const ratio = svg.viewBox.baseVal.width / box.width;
    const at = chart.x[0] + (((event.clientX - box.left) * ratio - left) / (right - left)) * (chart.x[1] - chart.x[0]);
    const found = chart.curves.map((curve) => nearest(curve.points, at));
    const epoch = found.reduce((best, point) => (Math.abs(point[0] - at) < Math.abs(best - at) ? point[0] : best), found[0][0]);
    line.setAttribute("d", `M${across(epoch)} ${top}V${bottom}`);
    line.setAttribute("visibility", "visible");
    const told = [`epoch ${epoch}`];
    chart.curves.forEach((curve, number) => {
      const point = nearest(curve.points, epoch);
      const there = point[0] === epoch;
      dots[number].setAttribute("visibility", there ? "visible" : "hidden");
      dots[number].setAttribute("cx", across(point[0]));
      dots[number].setAttribute("cy", up(point[1]));
      if (there) told.push(`${curve.name}  ${point[1]}`);
    });
    tip.textContent = told.join("\n");
    tip.hidden = false;
    const frame = figure.getBoundingClientRect();
    const x = event.clientX - frame.left, room = frame.width - tip.offsetWidth;
    tip.style.left = `${Math.max(0, x + 14 > room ? x - tip.offsetWidth - 14 : x + 14)}px`;
    tip.style.top = `${box.top - frame.top + 8}px`;
  };
  const hide = () => {
    tip.hidden = true;
    for (const each of [line, ...dots]) each.setAttribute("visibility", "hidden");
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
}
