"use strict";
// The network of mnist_sum/learning/model.py, for one image. Batch norms are folded into the layers before
// them; an image is a Float32Array [height, width, channel], its height its width.

const IMPOSSIBLE = -1e9; // the logit of a sum that no digit makes with the number

const network = unpack(JSON.parse(document.getElementById("network").textContent));

/** Cut the layers, kernel and bias in turn, out of all weights: float32, little-endian, base64. */
function unpack({ layers, weights, ...facts }) {
  const bytes = Uint8Array.from(atob(weights), (character) => character.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  let start = 0;
  const take = (count) => values.subarray(start, (start += count));
  const product = (shape) => shape.reduce((a, b) => a * b);
  const cut = ({ name, shape }) => [
    name,
    { shape, kernel: take(product(shape)), bias: take(shape.at(-1)) },
  ];
  return { ...facts, layers: Object.fromEntries(layers.map(cut)) };
}

/** Read the digit in 784 pixels of 0..255 and add the number, 0..9, to it. */
function predict(pixels, number) {
  const digitLogits = readDigit(pixels);
  const sumLogits = (network.adder === "exact" ? addExactly : add)(digitLogits, number);
  return {
    digit: argmax(digitLogits),
    sum: argmax(sumLogits),
    digitLogProbabilities: logSoftmax(digitLogits),
    sumLogProbabilities: logSoftmax(sumLogits),
  };
}

/** Turn pixels into the logits of the ten digits: DigitEncoder. */
function readDigit(pixels) {
  const block = (x, index) => relu(convolve(x, network.layers[`encoder/block${index}`]));
  let x = Float32Array.from(pixels);
  for (const index of [1, 2, 3]) x = block(x, index);
  x = maxPool(x, 15);
  for (let index = 4; `encoder/block${index}` in network.layers; index++) x = block(x, index);
  return convolve(x, network.layers["encoder/conv8"]);
}

/** Add a number to the digit's logits: SumAdder. */
function add(digitLogits, number) {
  const oneHot = new Float32Array(10);
  oneHot[number] = 1;
  let x = Float32Array.of(...digitLogits, ...oneHot);
  for (const index of [1, 2, 3]) x = relu(multiply(x, network.layers[`adder/block${index}`]));
  return multiply(x, network.layers["adder/dense4"]);
}

/** Move the digit's logits by the number: ExactAdder. */
function addExactly(digitLogits, number) {
  const sumLogits = new Float32Array(19).fill(IMPOSSIBLE);
  sumLogits.set(digitLogits, number);
  return sumLogits;
}

/** Convolve without padding or stride; the kernel is [window, window, input, output]. */
function convolve(image, { shape: [window, , inputs, outputs], kernel, bias }) {
  const size = Math.sqrt(image.length / inputs);
  const outSize = size - window + 1;
  const result = new Float32Array(outSize * outSize * outputs);
  for (let row = 0, target = 0; row < outSize; row++) {
    for (let column = 0; column < outSize; column++, target += outputs) {
      for (let o = 0; o < outputs; o++) result[target + o] = bias[o];
      for (let i = 0, k = 0; i < window; i++) {
        // A row of the window is one piece of the image.
        let source = ((row + i) * size + column) * inputs;
        for (const end = source + window * inputs; source < end; source++, k += outputs) {
          const value = image[source];
          if (value === 0) continue; // most of an image, and what ReLU has cut off
          for (let o = 0; o < outputs; o++) result[target + o] += value * kernel[k + o];
        }
      }
    }
  }
  return result;
}

/** Multiply by a dense layer's kernel, [input, output], and add its bias. */
function multiply(x, { shape: [inputs, outputs], kernel, bias }) {
  const result = Float32Array.from(bias);
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) result[o] += x[i] * kernel[i * outputs + o];
  }
  return result;
}

/** Cut off what is below zero, in place. */
function relu(x) {
  for (let i = 0; i < x.length; i++) if (x[i] < 0) x[i] = 0;
  return x;
}

/** Take the maximum of every 2x2 window. */
function maxPool(image, channels) {
  const size = Math.sqrt(image.length / channels);
  const result = new Float32Array(image.length / 4);
  const below = size * channels;
  for (let row = 0, target = 0; row < size; row += 2) {
    for (let column = 0; column < size; column += 2) {
      let corner = (row * size + column) * channels;
      for (const end = corner + channels; corner < end; corner++, target++) {
        result[target] = Math.max(
          image[corner],
          image[corner + channels],
          image[corner + below],
          image[corner + below + channels],
        );
      }
    }
  }
  return result;
}

/** Turn logits into log-probabilities; the largest is taken off first, so that no power overflows. */
function logSoftmax(logits) {
  const largest = Math.max(...logits);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return Array.from(logits, (logit) => logit - largest - Math.log(total));
}

/** Find the index of the largest value, the first of equals. */
function argmax(values) {
  return values.indexOf(Math.max(...values));
}
