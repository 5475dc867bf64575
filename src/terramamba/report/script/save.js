// Files that the page makes itself: the picture as it is seen with its legend, areas, polygons.
const save = (name, address) => {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
};
const saveText = (name, type, text) => save(name, URL.createObjectURL(new Blob([text], { type })));
const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;

// The kinds of the layer that are shown; of the map and of others all that its legend lists.
const legendEntries = () => {
  const legend = document.querySelector(`.legend[data-layer="${chosen()}"]`), only = alone[chosen()] ?? null;
  return [...legend.querySelectorAll(".only")]
    .map((button) => Number(button.dataset.value))
    .filter((value) => only === null || only === value)
    .map((value) => layers[chosen()].kinds[value]);
};
// Below the map: what it is, and the colours of its layer.
const withLegend = () => {
  drawNow();
  const fine = sharp(), line = 22 * fine, gap = 12 * fine, sheet = document.createElement("canvas");
  const ink = sheet.getContext("2d"), entries = legendEntries(), font = `${13 * fine}px system-ui, sans-serif`;
  ink.font = font;
  const title = [layers[chosen()].title, beneathWords()].filter(Boolean).join(" over ");
  let x = gap, rows = 1;
  const places = entries.map((kind) => {
    const wide = ink.measureText(kind.name).width + 34 * fine;
    if (x > gap && x + wide > canvas.width) { x = gap; rows += 1; }
    const place = [x, rows];
    x += wide;
    return place;
  });
  sheet.width = canvas.width;
  sheet.height = canvas.height + gap + (rows + 1) * line;
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, sheet.width, sheet.height);
  ink.drawImage(canvas, 0, 0);
  ink.font = font;
  const top = (row) => canvas.height + gap + row * line;
  ink.fillStyle = "#000";
  ink.fillText(title, gap, top(0) + 14 * fine);
  entries.forEach((kind, index) => {
    const [left, row] = places[index];
    ink.fillStyle = `rgb(${kind.colour})`;
    ink.fillRect(left, top(row) + 3 * fine, 14 * fine, 14 * fine);
    ink.strokeStyle = "#666";
    ink.strokeRect(left, top(row) + 3 * fine, 14 * fine, 14 * fine);
    ink.fillStyle = "#000";
    ink.fillText(kind.name, left + 20 * fine, top(row) + 14 * fine);
  });
  if (!layers[chosen()].kinds.length) {
    const wide = Math.min(240 * fine, canvas.width - 6 * gap);
    for (let step = 0; step < wide; step++) {
      ink.fillStyle = `rgb(${ramp(Math.round((STEPS * step) / wide)).slice(0, 3)})`;
      ink.fillRect(2.5 * gap + step, top(1) + 3 * fine, 1.5, 14 * fine);
    }
    ink.fillStyle = "#000";
    ink.fillText("0", gap, top(1) + 14 * fine);
    ink.fillText("1", 3 * gap + wide, top(1) + 14 * fine);
  }
  return sheet;
};

const listenToSaving = () => {
  id("picture").addEventListener("click", () => save("map.png", withLegend().toDataURL("image/png")));
  id("table").addEventListener("click", () => {
    const rows = shown.classes.map((one) => `${quoted(one.name)},${one.pixels},${one.hectares ?? ""}`);
    saveText("areas.csv", "text/csv", ["name,pixels,hectares", ...rows, ""].join("\r\n"));
  });
  id("polygons")?.addEventListener("click", async () => {
    saveText("polygons.geojson", "application/geo+json", new TextDecoder().decode(await unpacked(shown.polygons)));
  });
};
