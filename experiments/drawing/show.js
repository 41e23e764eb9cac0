"use strict";
// What the page shows: the drawing, the pixels that the network sees, and its answer.

const INK_SIDE = 280; // of the drawing that is handed on: ten pixels for each of the network's
const PEN_WIDTH = 0.075; // of the paper's side
const SURE = 0.9; // below, the runner-up is named too
const QUIET = 500; // milliseconds without a change, before the answer is spoken

const padContext = pad.getContext("2d");
const imageContext = find("image").getContext("2d");
// The drawing that is handed on is never shown, and is read in every frame: best kept in memory.
const ink = document.createElement("canvas");
ink.width = ink.height = INK_SIDE;
const inkContext = ink.getContext("2d", { willReadFrequently: true });

let isFrameDue = false;
let speech = null;

build();
listen();
choose(number);

/** Make what there is ten or nineteen of. */
function build() {
  const repeat = (count, make) => Array.from({ length: count }, (_, index) => make(index)).join("");
  const bar = (index) => `<div><i><b></b></i><span>${index}</span></div>`;
  find("choices").innerHTML = repeat(
    10,
    (index) => `<label><input type="radio" name="number" value="${index}">${index}</label>`,
  );
  find("digit-bars").innerHTML = repeat(10, bar);
  find("sum-bars").innerHTML = repeat(19, bar);
  find("parameters").textContent = network.parameters.toLocaleString("en");
}

/** Show everything anew in the next frame, once, however many events come before it. */
function update() {
  if (isFrameDue) return;
  isFrameDue = true;
  requestAnimationFrame(() => {
    isFrameDue = false;
    show();
  });
}

function show() {
  drawStrokes(strokes, padContext, pad.width, PEN_WIDTH);
  const start = performance.now();
  const { pixels, refusal } = strokes.length > 0 ? readStrokes() : {};
  const answer = pixels && predict(pixels, number);
  const milliseconds = performance.now() - start;

  showPen();
  showImage(pixels);
  showEquation(answer);
  showBars("digit", answer, 0);
  showBars("sum", answer, number);
  find("notice").textContent = refusal ?? (answer ? nameDoubt(answer, "digit") || nameDoubt(answer, "sum") : "");
  find("hint").hidden = strokes.length > 0;
  find("undo").disabled = past.length === 0;
  find("clear").disabled = strokes.length === 0;
  clearTimeout(speech);
  speech = setTimeout(() => speak(answer, refusal, milliseconds), QUIET);
}

/** Make { pixels } of the strokes, turned back if they lean far; or { refusal }. */
function readStrokes() {
  drawStrokes(strokes, inkContext, INK_SIDE, choosePen(PEN_WIDTH, strokes));
  const asDrawn = prepare(readInk(), INK_SIDE);
  if (!(Math.abs(asDrawn.lean) > FARTHEST)) return asDrawn;
  const turned = straighten(strokes, asDrawn.lean);
  drawStrokes(turned, inkContext, INK_SIDE, choosePen(SMALLER * PEN_WIDTH, turned));
  return prepare(readInk(), INK_SIDE);
}

/** Draw strokes, black on nothing, as curves through the middles between their points. */
function drawStrokes(strokes, context, side, width) {
  context.setTransform(side, 0, 0, side, 0, 0);
  context.clearRect(0, 0, 1, 1);
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = width;
  for (const points of strokes) {
    context.beginPath();
    context.moveTo(...points[0]);
    for (let i = 1; i < points.length - 1; i++) {
      const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    const [x, y] = points.at(-1);
    context.lineTo(x + 1e-4, y); // a touch without a movement is a dot, not nothing
    context.stroke();
  }
}

/** Read the drawing as bytes, row by row: 0 without ink, 255 where it is full. */
function readInk() {
  const { data } = inkContext.getImageData(0, 0, INK_SIDE, INK_SIDE);
  const opacity = new Uint8Array(INK_SIDE * INK_SIDE);
  for (let i = 0; i < opacity.length; i++) opacity[i] = data[4 * i + 3];
  return opacity;
}

function showPen() {
  const mark = find("pen");
  mark.hidden = !pen.isSeen;
  mark.style.left = `${100 * pen.x}%`;
  mark.style.top = `${100 * pen.y}%`;
  mark.classList.toggle("down", pen.isDown);
}

function showImage(pixels) {
  const image = new ImageData(28, 28);
  pixels?.forEach((value, index) => {
    image.data[4 * index + 3] = value;
  });
  imageContext.putImageData(image, 0, 0);
}

function showEquation(answer) {
  find("number").textContent = number;
  for (const name of ["digit", "sum"]) {
    const term = find(name);
    term.textContent = answer ? answer[name] : "?";
    term.parentElement.classList.toggle("unknown", !answer);
    find(`${name}-note`).textContent = answer ? `${name} ${certainty(answer, name)}` : name;
  }
}

/** Show the probabilities of an output; `first` is the first of the ten answers that can be. */
function showBars(name, answer, first) {
  [...find(`${name}-bars`).children].forEach((bar, index) => {
    const probability = answer ? Math.exp(answer[`${name}LogProbabilities`][index]) : 0;
    bar.querySelector("b").style.height = `${(100 * probability).toFixed(2)}%`;
    bar.title = answer ? `${index}: ${percentage(probability)}` : "";
    bar.classList.toggle("best", answer?.[name] === index);
    bar.classList.toggle("possible", first <= index && index < first + 10);
  });
}

/** Say the answer to those who listen to the page. */
function speak(answer, refusal, milliseconds) {
  const say = (name) => `${answer[name]}, ${certainty(answer, name)}`;
  const word = (name) => nameDoubt(answer, name) || say(name);
  find("spoken").textContent = answer
    ? `Digit ${word("digit")}. Plus ${number} makes ${word("sum")}.`
    : (refusal ?? "Nothing is drawn yet.");
  find("digit-bars").ariaLabel = answer ? `Most probable digit: ${say("digit")}` : "Nothing yet";
  find("sum-bars").ariaLabel = answer ? `Most probable sum: ${say("sum")}` : "Nothing yet";
  find("image").ariaLabel = answer ? "The drawing in 28 by 28 pixels" : "Nothing yet";
  find("speed").textContent = answer ? `, answering in ${Math.ceil(milliseconds)} ms` : "";
}

/** Name the most probable value of an output and the runner-up, if there is doubt. */
function nameDoubt(answer, name) {
  const best = answer[name];
  const probabilities = answer[`${name}LogProbabilities`].map(Math.exp);
  if (probabilities[best] >= SURE) return "";
  const rest = probabilities.map((probability, value) => (value === best ? 0 : probability));
  const runnerUp = argmax(rest);
  const say = (value) => `${value}, ${Math.round(100 * probabilities[value])} %`;
  return `perhaps ${say(best)}; or ${say(runnerUp)}`;
}

function certainty(answer, name) {
  return percentage(Math.exp(answer[`${name}LogProbabilities`][answer[name]]));
}

/** Round down, as 100 % would be a lie. */
function percentage(probability) {
  return `${(Math.floor(1000 * probability) / 10).toFixed(1)} %`;
}
