// What is told of the pixel under the cross: place, class, every layer that knows something, spectra.
const coordinates = (row, col) => {
  const [a, b, c, d, e, f] = shown.transform;
  const x = a * (col + 0.5) + b * (row + 0.5) + c, y = d * (col + 0.5) + e * (row + 0.5) + f;
  const digits = Math.abs(a) + Math.abs(b) < 0.01 ? 5 : 1;
  return `${x.toFixed(digits)}, ${y.toFixed(digits)}${shown.crs ? ` (${shown.crs})` : ""}`;
};
// Between nodes whose longitude and latitude the page has.
const degrees = (row, col) => {
  const nodes = Math.round(Math.sqrt(shown.degrees.east.length)) - 1;
  const down = ((row + 0.5) * nodes) / height, along = ((col + 0.5) * nodes) / width;
  const r = Math.min(nodes - 1, Math.floor(down)), c = Math.min(nodes - 1, Math.floor(along));
  const [east, north] = [shown.degrees.east, shown.degrees.north].map((values) => {
    const of = (i, j) => values[(r + i) * (nodes + 1) + c + j], v = down - r, u = along - c;
    return (of(0, 0) * (1 - u) + of(0, 1) * u) * (1 - v) + (of(1, 0) * (1 - u) + of(1, 1) * u) * v;
  });
  const side = (value, plus, minus) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? minus : plus}`;
  return `${side(north, "N", "S")}, ${side(east, "E", "W")}`;
};
const tell = () => {
  if (!at) return;
  const { row, col } = at, lines = [`row ${row}, column ${col}`], kind = kindAt(row, col);
  if (shown.transform) lines[0] += ` · ${coordinates(row, col)}`;
  lines.push(layers.map.kinds[kind]?.name ?? "no data");
  for (const [name, layer] of Object.entries(layers)) {
    const value = layer.data[place(layer, row, col)];
    if (name === "map" || value === NONE) continue;
    const title = name === "probability" ? shown.likely : layer.title;
    lines.push(layer.kinds.length ? `${title}: ${layer.kinds[value]?.name}` : `${title} ${(value / STEPS).toFixed(2)}`);
  }
  if (shown.degrees) lines.push(degrees(row, col));
  id("under").textContent = lines.join("\n");
  spectrum();
};

const spectrum = () => {
  const home = id("spectrum"), [first] = Object.values(cubes);
  if (!first || !at) return;
  const x = first.wavelengths ?? first.bands, low = Math.min(...x), high = Math.max(...x);
  const paths = Object.values(cubes).map((cube, index) => {
    const start = place(cube, at.row, at.col), plane = cube.width * cube.height;
    let line = "", down = false;
    cube.bands.forEach((_, band) => {
      const value = cube.data[band * plane + start];
      if (value === NONE) { down = false; return; }
      const across = 44 + (250 * (x[band] - low)) / Math.max(high - low, 1e-9);
      line += `${down ? "L" : "M"}${across.toFixed(1)} ${(110 - (100 * value) / STEPS).toFixed(1)}`;
      down = true;
    });
    return line && `<path class="curve c${index}" stroke-dasharray="${index ? "6 4" : ""}" d="${line}"/>`;
  });
  if (!paths.some(Boolean)) { home.textContent = "no spectrum here"; return; }
  const text = (value) => Number(value.toPrecision(3)), both = paths.length > 1;
  home.innerHTML =
    `<svg class="chart" viewBox="0 0 300 135" role="img" aria-label="spectrum of the pixel${both ? ", before as a line, after dashed" : ""}">` +
    `<line class="grid" x1="44" x2="294" y1="10" y2="10"/><line class="grid" x1="44" x2="294" y1="110" y2="110"/>` +
    `<text x="40" y="14" text-anchor="end">${text(first.high)}</text>` +
    `<text x="40" y="114" text-anchor="end">${text(first.low)}</text>` +
    `<text x="44" y="130">${text(low)}</text><text x="294" y="130" text-anchor="end">${text(high)}</text>` +
    `<text x="169" y="130" text-anchor="middle">${first.wavelengths ? "wavelength, nm" : "band"}${both ? " (after: dashed)" : ""}</text>` +
    `${paths.join("")}</svg>`;
};
