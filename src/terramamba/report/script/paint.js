// A layer as colours: kinds in theirs, numbers from 0 to 1 on a ramp; one kind alone where its legend says so.
const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const CLEAR = [0, 0, 0, 0];
const alone = {};
let paint = null;

const chosen = () => id("layer")?.value ?? "map";
const painted = (layer, colour) => {
  const sheet = document.createElement("canvas");
  sheet.width = layer.width;
  sheet.height = layer.height;
  const image = new ImageData(layer.width, layer.height);
  const words = new Uint32Array(image.data.buffer), table = new Uint32Array(256);
  const bytes = new Uint8Array(table.buffer);
  for (let value = 0; value < 256; value++) bytes.set(colour(value), 4 * value);
  layer.data.forEach((value, index) => { words[index] = table[value]; });
  sheet.getContext("2d").putImageData(image, 0, 0);
  return sheet;
};
const ramp = (value) => {
  if (value === NONE) return CLEAR;
  const at = (value / STEPS) * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
  return [...RAMP[low].map((part, i) => Math.round(part + (RAMP[low + 1][i] - part) * (at - low))), 255];
};
// Kinds that are left clear show the image; without one they have their colour.
const kindColour = (name, kind) => {
  const { kinds } = layers[name], only = alone[name] ?? null;
  if (kind >= kinds.length || (only !== null && only !== kind)) return CLEAR;
  return kinds[kind].clear && only === null && hasImage() ? CLEAR : [...kinds[kind].colour, 255];
};

// The smallest stored probability that counts as changed; the map is that of this threshold, where there is one.
const least = () => shown.steps.least[id("threshold").value];
const kindAt = (row, col) => {
  if (!shown.steps) return layers.map.data[place(layers.map, row, col)];
  const likely = layers.probability.data[place(layers.probability, row, col)];
  return likely === NONE ? NONE : Number(likely >= least());
};
const repaint = () => {
  const name = chosen(), layer = layers[name];
  if (!layer.kinds.length) paint = painted(layer, ramp);
  else if (name !== "map" || !shown.steps) paint = painted(layer, (value) => kindColour(name, value));
  else {
    paint = painted(layers.probability, (value) =>
      value === NONE ? CLEAR : kindColour("map", Number(value >= least())));
  }
};
const count = () => {
  if (!shown.steps) return;
  const sum = (values) => values.slice(least()).reduce((total, value) => total + value, 0);
  const pixels = sum(shown.steps.pixels), all = shown.steps.pixels.reduce((a, b) => a + b, 0);
  const hectares = shown.steps.hectares ? `, ${sum(shown.steps.hectares).toFixed(2)} ha` : "";
  const share = all ? ` (${((100 * pixels) / all).toFixed(2)}\u00a0%)` : "";
  id("counted").textContent =
    `${(id("threshold").value / id("threshold").max).toFixed(3)}: ${pixels.toLocaleString("en")} pixels changed${hectares}${share}`;
  id("threshold").setAttribute("aria-valuetext", id("counted").textContent);
};
