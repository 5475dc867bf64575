// The image beneath: one of the page's pictures, or any three of its bands.
const LOW = 0.02, HIGH = 0.98;
const beneath = {};
const hasImage = () => Boolean(beneath.left || beneath.right);

// The bytes of a band that become black and full colour.
const limits = (cube, band) => {
  const counts = new Uint32Array(NONE + 1), plane = cube.width * cube.height;
  for (let at = band * plane; at < (band + 1) * plane; at++) counts[cube.data[at]]++;
  const all = plane - counts[NONE], found = [];
  for (const part of [LOW, HIGH]) {
    let value = 0;
    for (let sum = counts[0]; sum < part * all && value < STEPS; sum += counts[value]) value++;
    found.push(value);
  }
  return found;
};
const mixed = (cube, bands, ends) => {
  const sheet = document.createElement("canvas"), plane = cube.width * cube.height;
  sheet.width = cube.width;
  sheet.height = cube.height;
  const image = new ImageData(cube.width, cube.height);
  image.data.fill(255);
  bands.forEach((band, channel) => {
    const [low, high] = ends[channel];
    for (let at = 0; at < plane; at++) {
      const value = cube.data[band * plane + at];
      if (value !== NONE) image.data[4 * at + channel] = (255 * (value - low)) / Math.max(high - low, 1);
    }
  });
  sheet.getContext("2d").putImageData(image, 0, 0);
  return sheet;
};

const ownBands = () => ["red", "green", "blue"].map((colour) => Number(id(colour).value));
const isOwn = () => id("beneath")?.value === "own";
const pictures = {};
const lay = async () => {
  if (id("own")) id("own").hidden = !isOwn();
  if (isOwn()) {
    const bands = ownBands(), first = cubes.left ?? cubes.right;
    const ends = bands.map((band) => limits(first, band));
    for (const side of Object.keys(cubes)) beneath[side] = mixed(cubes[side], bands, ends);
    return;
  }
  const which = Number(id("beneath")?.value ?? 0), picture = shown.pictures[which] ?? {};
  pictures[which] ??= {};
  for (const side of ["left", "right"]) {
    if (picture[side]) beneath[side] = pictures[which][side] ??= await load(picture[side]);
  }
};
const beneathWords = () => {
  if (isOwn()) {
    const { names } = Object.values(shown.spectra)[0];
    return `bands ${ownBands().map((band) => names[band]).join(", ")}`;
  }
  return shown.pictures[id("beneath")?.value ?? 0]?.title ?? "";
};
// Bands of one's own begin as far apart as there are.
const beginOwn = () => {
  if (!id("own")) return;
  const { names } = Object.values(shown.spectra)[0];
  ["red", "green", "blue"].forEach((colour, i) => {
    id(colour).value = String(Math.round(((2 - i) * (names.length - 1)) / 2));
  });
};
