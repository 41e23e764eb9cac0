"use strict";
// The preparation of mnist_sum/reading/ink.py, from where the paper is taken off and the ink is left. As
// MNIST's makers did: scale the ink's box to 20 pixels, with grey edges, and move its centre of mass
// to the centre of 28.

const [SIDE, BOX] = [28, 20];
const CENTRE = 14.5; // of MNIST's images, from the outer edge of pixel 0
const INK = 0.3; // what is fainter does not count for the box
const [THINNEST, THICKEST] = [1.5, 3.2]; // strokes, of 20 pixels

/** Make the 784 pixels, 0..255, of a drawing of side x side bytes; null if there is no ink. */
function prepare(ink, side) {
  const box = measure(ink, side);
  if (box === null) return null;
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
  return pixels;
}

/** Choose the pen for a drawing, so that its strokes come out neither too thin nor too thick.
 *
 * A pen of a given width is too thick for a small digit and too thin for a large one, once these are
 * scaled to 20 pixels. Strokes, unlike ink, can simply be drawn anew with another.
 */
function choosePen(width, strokes) {
  let [left, right, top, bottom] = [1, 0, 1, 0];
  for (const [x, y] of strokes.flat()) {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  const way = Math.max(right - left, bottom - top, 0.02); // even of a dot
  const fitting = (pixels) => (way * pixels) / (BOX - pixels); // the pen widens the box
  return Math.min(Math.max(width, fitting(THINNEST)), fitting(THICKEST));
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
  return bottom === 0 ? null : { left, right, top, bottom, x: x / mass, y: y / mass };
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
