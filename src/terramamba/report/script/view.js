// What part of the map is seen, and its drawing: a sheet for each side of the line, and what lies over both.
const canvas = id("map"), pen = canvas.getContext("2d");
const view = { scale: 1, col: width / 2, row: height / 2 };
const sheets = { left: document.createElement("canvas"), right: document.createElement("canvas") };
let stale = true, due = false;

const sharp = () => canvas.width / canvas.clientWidth;
const fit = () => Math.min(canvas.width / width, canvas.height / height);
const zoom = () => fit() * view.scale;
const corner = () => [canvas.width / 2 - view.col * zoom(), canvas.height / 2 - view.row * zoom()];
const opacity = () => (id("opacity") ? id("opacity").value / 100 : 1);
const cut = () => (id("swipe") ? Math.round((canvas.width * id("swipe").value) / id("swipe").max) : 0);

// Image and layer of one side, as they are seen now.
const fill = (side) => {
  const sheet = sheets[side], ink = sheet.getContext("2d");
  sheet.width = canvas.width;
  sheet.height = canvas.height;
  const size = zoom(), box = [...corner(), width * size, height * size];
  const picture = beneath[side] ?? (shown.over ? null : beneath.left);
  ink.imageSmoothingEnabled = size < 1;
  // Beneath all layers but the map itself the image is grey, so that their colours are their own.
  if (chosen() !== "map" && (side === "right" || shown.over)) ink.filter = "grayscale(1)";
  if (picture) ink.drawImage(picture, ...box);
  ink.filter = "none";
  if (side === "left" && !shown.over) return;
  ink.imageSmoothingEnabled = size < 1 && !shown.over;
  ink.globalAlpha = opacity();
  ink.drawImage(paint, ...box);
};
const drawNow = () => {
  due = false;
  if (stale) {
    for (const side of id("swipe") ? ["left", "right"] : ["right"]) fill(side);
    if (!id("swipe") && shown.over && !beneath.right && beneath.left) fill("left");
    stale = false;
  }
  const line = cut();
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (!id("swipe")) pen.drawImage(shown.over && beneath.left ? sheets.left : sheets.right, 0, 0);
  else {
    if (line > 0) pen.drawImage(sheets.left, 0, 0, line, canvas.height, 0, 0, line, canvas.height);
    const rest = canvas.width - line;
    if (rest > 0) pen.drawImage(sheets.right, line, 0, rest, canvas.height, line, 0, rest, canvas.height);
    drawLine(line);
  }
  drawMarks();
  drawCross();
};
// Whatever moves asks for a drawing; there is one for each picture of the screen.
const draw = () => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { if (due) drawNow(); });
};
const redraw = () => {
  stale = true;
  draw();
};

// A pixel may become 24 wide, also of a map that is very long.
const most = () => Math.max(64, 24 / fit());
// A line of pixels is shown from its beginning, wide enough to be seen, and panned along.
const readable = () => (32 * sharp()) / (Math.min(width, height) * fit());
const zoomTo = (scale, col = view.col, row = view.row) => {
  view.scale = Math.min(most(), Math.max(1, scale));
  const halfWide = canvas.width / zoom() / 2, halfHigh = canvas.height / zoom() / 2;
  const kept = (value, half, size) => (2 * half >= size ? size / 2 : Math.min(size - half, Math.max(half, value)));
  view.col = kept(col, halfWide, width);
  view.row = kept(row, halfHigh, height);
  canvas.style.touchAction = view.scale > 1 ? "none" : "pan-y";
  redraw();
};
const resize = () => {
  const fine = Math.min(2, devicePixelRatio || 1), wide = canvas.clientWidth;
  const tall = Math.max(Math.min((wide * height) / width, Math.max(320, innerHeight * 0.8)), Math.min(240, wide));
  canvas.style.height = `${Math.round(tall)}px`;
  canvas.width = Math.round(wide * fine);
  canvas.height = Math.round(tall * fine);
  zoomTo(view.scale);
};
