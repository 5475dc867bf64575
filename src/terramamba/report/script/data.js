// What the page holds, and how it is unpacked: layers of bytes, pictures, all bands.
const shown = JSON.parse(document.getElementById("data").textContent);
const id = (name) => document.getElementById(name);
const { width, height } = shown;
// Stored where a layer has nothing, and the steps of numbers from 0 to 1.
const NONE = 255, STEPS = 254;

const unpacked = async (text) => {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};
const unpack = async (layer) => ({ ...layer, data: await unpacked(layer.data) });
const load = async (layer) => {
  const picture = new Image();
  picture.src = layer.data;
  await picture.decode();
  return picture;
};
// Where the pixel (row, col) of the map lies in a layer that may have fewer pixels.
const place = (layer, row, col) =>
  Math.floor(((row + 0.5) * layer.height) / height) * layer.width +
  Math.floor(((col + 0.5) * layer.width) / width);

const layers = {}, cubes = {};
