"use strict";
// What a person does: strokes, with pointers or keys. A stroke is a list of points [x, y], in
// fractions of the paper's side, so that neither the size of the window nor the sharpness of the
// screen matters.

const STEP = 0.02; // of the pen under the arrow keys; with Shift, four times that
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const find = (id) => document.getElementById(id);
const pad = find("pad");

let strokes = [];
let past = []; // the strokes as they were before each stroke and each clearing
let number = 5;
let pointer = null; // the id of the one that draws: of several fingers, the first
let pen = { x: 0.5, y: 0.5, isDown: false, isSeen: false }; // that the arrow keys move

function startStroke(point) {
  past.push(strokes);
  strokes = [...strokes, [point]];
  update();
}

function continueStroke(points) {
  strokes.at(-1).push(...points);
  update();
}

function undo() {
  if (pointer !== null || past.length === 0) return;
  pen.isDown = false;
  strokes = past.pop();
  update();
}

function clear() {
  if (pointer !== null || strokes.length === 0) return;
  pen.isDown = false;
  past.push(strokes);
  strokes = [];
  update();
}

function choose(chosen) {
  number = chosen;
  find("choices").children[number].firstElementChild.checked = true;
  update();
}

function seePen(isSeen) {
  pen.isSeen = isSeen;
  update();
}

function togglePen() {
  pen.isDown = !pen.isDown;
  if (pen.isDown) startStroke([pen.x, pen.y]);
  update();
}

function movePen([right, down], step) {
  const inside = (position) => Math.min(Math.max(position, 0), 1);
  pen = { ...pen, x: inside(pen.x + step * right), y: inside(pen.y + step * down) };
  if (pen.isDown) continueStroke([[pen.x, pen.y]]);
  update();
}

function listen() {
  pad.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pad.setPointerCapture(event.pointerId); // a stroke may leave the paper and come back
    pointer = event.pointerId;
    Object.assign(pen, { isDown: false, isSeen: false });
    startStroke(toPaper(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    // A quick hand makes several points between two frames.
    const points = event.getCoalescedEvents?.() ?? [];
    continueStroke((points.length ? points : [event]).map(toPaper));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (event.pointerId === pointer) pointer = null;
    });
  }
  pad.addEventListener("focus", () => seePen(pad.matches(":focus-visible")));
  pad.addEventListener("blur", () => seePen(false));
  pad.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) movePen(ARROWS[event.key], event.shiftKey ? 4 * STEP : STEP);
    else if (event.key !== " ") return;
    else if (!event.repeat) togglePen();
    seePen(true);
    event.preventDefault(); // of scrolling
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey) return;
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand ? event.key === "z" : event.key === "Backspace") undo();
    else if (isCommand) return;
    else if (event.key === "Delete" || event.key === "Escape") clear();
    else if (/^[0-9]$/.test(event.key)) choose(Number(event.key));
    else return;
    event.preventDefault();
  });
  find("choices").addEventListener("change", (event) => choose(Number(event.target.value)));
  find("undo").addEventListener("click", undo);
  find("clear").addEventListener("click", clear);
}

function toPaper({ clientX, clientY }) {
  const { left, top, width, height } = pad.getBoundingClientRect();
  return [(clientX - left) / width, (clientY - top) / height];
}
