"use strict";
// The last steps of mnist_sum/reading/ink.py, from where the ink is found: leave the digit alone, turn
// it back if it leans far, scale its box to 20 pixels, with grey edges, and move its centre of mass to
// the centre of 28.

const [SIDE, BOX] = [28, 20];
const CENTRE = 14.5; // of MNIST's images, from the outer edge of pixel 0
const INK = 0.3; // what is fainter does not count
const [THINNEST, THICKEST] = [2.4, 3.2]; // strokes, of 20 pixels
const FINEST = 0.015; // of the paper's side, so that a dot is seen
const [SPECK, OTHER] = [0.02, 0.1]; // of the largest part: dust below, another digit above
const NEAR = 0.4; // of the largest part's longer side
const MIN_BOX = 10; // pixels
const [FARTHEST, UPRIGHT] = [25, 15]; // degrees that a digit leans, to the left or to the right
const SMALLER = 0.7; // a digit that is turned, so that it stays on the paper

/** Make { pixels, lean }, 784 of 0..255, of a drawing of side x side bytes.
 *
 * It leans to the right by so many degrees. Or make { refusal }, in the words of the command, if it is
 * not of one digit.
 */
function prepare(drawing, side) {
  const { ink, refusal } = keepDigit(drawing, side);
  if (refusal) return { refusal };
  const box = measure(ink, side);
  const unit = Math.max(box.bottom - box.top, box.right - box.left) / BOX;
  const rows = overlaps(box.y, unit, box.top, box.bottom, side);
  const columns = overlaps(box.x, unit, box.left, box.right, side);
  const pixels = new Uint8Array(SIDE * SIDE);
  rows.forEach((row, i) => {
    const line = new Float64Array(side);
    for (const [y, share] of row) {
      for (let x = 0; x < side; x++) line[x] += share * ink[y * side + x];
    }
    columns.forEach((column, j) => {
      pixels[i * SIDE + j] = Math.round(column.reduce((sum, [x, part]) => sum + part * line[x], 0));
    });
  });
  return { pixels, lean: findLean(ink, side) };
}

/** Find by how many degrees the ink leans to the right. */
function findLean(ink, side) {
  let [mass, x, y, xy, yy] = [0, 0, 0, 0, 0];
  ink.forEach((value, index) => {
    if (value <= INK * 255) return;
    const [row, column] = [Math.floor(index / side), index % side];
    mass += value;
    x += value * column;
    y += value * row;
    xy += value * row * column;
    yy += value * row * row;
  });
  return (Math.atan2((x * y) / mass - xy, yy - (y * y) / mass) * 180) / Math.PI;
}

/** Turn strokes that lean farther than people write, around the middle of the paper. */
function straighten(strokes, lean) {
  const angle = ((lean - Math.sign(lean) * UPRIGHT) * Math.PI) / 180;
  const [cos, sin] = [SMALLER * Math.cos(angle), SMALLER * Math.sin(angle)];
  const turn = ([x, y]) => [
    0.5 + cos * (x - 0.5) + sin * (y - 0.5),
    0.5 - sin * (x - 0.5) + cos * (y - 0.5),
  ];
  return strokes.map((points) => points.map(turn));
}

/** Choose the pen for a drawing, so that its strokes come out neither too thin nor too thick.
 *
 * A pen of a given width is too thick for a small digit and too thin for a large one, once these are
 * scaled to 20 pixels. Strokes, unlike ink, can simply be drawn anew with another.
 */
function choosePen(width, strokes) {
  const extent = (values) => Math.max(...values) - Math.min(...values);
  const way = Math.max(...[0, 1].map((axis) => extent(strokes.flat().map((point) => point[axis]))));
  const fitting = (pixels) => (way * pixels) / (BOX - pixels); // the pen widens the box
  return Math.max(FINEST, Math.min(Math.max(width, fitting(THINNEST)), fitting(THICKEST)));
}

/** Keep the largest part of a drawing and what is near it; dust goes, and another digit may not be. */
function keepDigit(drawing, side) {
  const parts = findParts(drawing, side);
  if (parts.length === 0) return refuse("nothing but paper, expected a digit.");
  const largest = parts.reduce((a, b) => (b.pixels.length > a.pixels.length ? b : a));
  const longer = Math.max(largest.right - largest.left, largest.bottom - largest.top);
  if (longer < MIN_BOX) return refuse(`too small a digit, expected at least ${MIN_BOX} pixels.`);
  const isAtLeast = (share) => (part) => part.pixels.length >= share * largest.pixels.length;
  const box = { ...largest };
  let others = parts.filter(isAtLeast(SPECK));
  const kept = [];
  for (let near = [largest]; near.length > 0; ) {
    kept.push(...near);
    others = others.filter((part) => !near.includes(part));
    for (const part of near) {
      for (const end of ["left", "top"]) box[end] = Math.min(box[end], part[end]);
      for (const end of ["right", "bottom"]) box[end] = Math.max(box[end], part[end]);
    }
    near = others.filter((part) => gap(part, box) <= NEAR * longer);
  }
  if (others.some(isAtLeast(OTHER))) {
    return refuse("things far apart, expected one digit: crop to it.");
  }
  const ink = drawing.slice();
  for (const part of parts) {
    if (!kept.includes(part)) for (const pixel of part.pixels) ink[pixel] = 0;
  }
  return { ink };
}

function refuse(what) {
  return { refusal: `The drawing shows ${what}` };
}

/** Find what is connected, across corners too. */
function findParts(ink, side) {
  const left = ink.map((value) => value > INK * 255);
  const parts = [];
  for (let start = left.indexOf(1); start >= 0; start = left.indexOf(1, start)) {
    const part = { pixels: [start], left: side, right: 0, top: side, bottom: 0 };
    left[start] = 0;
    for (const pixel of part.pixels) { // which grows meanwhile
      const [row, column] = [Math.floor(pixel / side), pixel % side];
      part.left = Math.min(part.left, column);
      part.right = Math.max(part.right, column + 1);
      part.top = Math.min(part.top, row);
      part.bottom = Math.max(part.bottom, row + 1);
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, side - 1); y++) {
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, side - 1); x++) {
          const neighbour = y * side + x;
          if (left[neighbour]) part.pixels.push(neighbour);
          left[neighbour] = 0;
        }
      }
    }
    parts.push(part);
  }
  return parts;
}

/** Measure how far apart two boxes are; below 0 if they overlap. */
function gap(a, b) {
  return Math.max(a.top - b.bottom, b.top - a.bottom, a.left - b.right, b.left - a.right);
}

/** Find the box of the ink and its centre of mass, in pixels from the upper left. */
function measure(ink, side) {
  let [left, right, top, bottom] = [side, 0, side, 0];
  let [mass, x, y] = [0, 0, 0];
  for (let row = 0, index = 0; row < side; row++) {
    for (let column = 0; column < side; column++, index++) {
      const value = ink[index];
      if (value === 0) continue;
      mass += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
      if (value <= INK * 255) continue;
      left = Math.min(left, column);
      right = Math.max(right, column + 1);
      top = Math.min(top, row);
      bottom = row + 1;
    }
  }
  return { left, right, top, bottom, x: x / mass, y: y / mass };
}

/** List for each of 28 pixels, `unit` long, which of the drawing's it covers by which share. */
function overlaps(middle, unit, first, last, side) {
  // The centre of mass goes into the middle, as far as all of the ink stays inside.
  const start = Math.min(Math.max(middle - CENTRE * unit, last - SIDE * unit), first);
  return Array.from({ length: SIDE }, (_, index) => {
    const [from, to] = [start + index * unit, start + (index + 1) * unit];
    const shares = [];
    for (let i = Math.max(Math.floor(from), 0); i < Math.min(to, side); i++) {
      shares.push([i, (Math.min(to, i + 1) - Math.max(from, i)) / unit]);
    }
    return shares;
  });
}
