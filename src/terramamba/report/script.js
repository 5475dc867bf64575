{
  const shown = JSON.parse(document.getElementById("data").textContent);
  const id = (name) => document.getElementById(name);
  const canvas = id("map"), pen = canvas.getContext("2d");
  const { width, height } = shown;
  const NONE = 255, STEPS = 254;
  const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const layers = {};
  let only = null;
  const view = { scale: 1, col: width / 2, row: height / 2 };
  let at = null;

  const unpack = async (layer) => {
    const packed = Uint8Array.from(atob(layer.data), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return { ...layer, data: new Uint8Array(await new Response(stream).arrayBuffer()) };
  };
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
  const painted = (layer, colour) => {
    const sheet = document.createElement("canvas");
    sheet.width = layer.width;
    sheet.height = layer.height;
    const image = new ImageData(layer.width, layer.height);
    const words = new Uint32Array(image.data.buffer);
    const table = new Uint32Array(256);
    const bytes = new Uint8Array(table.buffer);
    for (let value = 0; value < 256; value++) bytes.set(colour(value), 4 * value);
    layer.data.forEach((value, index) => { words[index] = table[value]; });
    sheet.getContext("2d").putImageData(image, 0, 0);
    return sheet;
  };

  const ramp = (value) => {
    if (value === NONE) return [0, 0, 0, 0];
    const at = (value / STEPS) * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
    return [...RAMP[low].map((part, i) => Math.round(part + (RAMP[low + 1][i] - part) * (at - low))), 255];
  };
  const inks = (value) =>
    only === null || only === value ? [...shown.classes[value].colour, 255] : [0, 0, 0, 0];

  // The smallest stored probability that counts as changed.
  const least = () => shown.steps.least[id("threshold").value];
  const repaint = () => {
    if (id("layer")?.value === "probability") {
      layers.paint = painted(layers.probability, ramp);
    } else if (!shown.over) {
      layers.paint = painted(layers.values, (value) => (value < shown.classes.length ? inks(value) : [0, 0, 0, 0]));
    } else if (layers.probability) {
      layers.paint = painted(layers.probability, (value) =>
        value !== NONE && value >= least() ? [...shown.classes[1].colour, 255] : [0, 0, 0, 0]);
    } else {
      layers.paint = painted(layers.values, (value) =>
        value === 1 ? [...shown.classes[1].colour, 255] : [0, 0, 0, 0]);
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

  const fit = () => Math.min(canvas.width / width, canvas.height / height);
  const zoom = () => fit() * view.scale;
  const corner = () => [canvas.width / 2 - view.col * zoom(), canvas.height / 2 - view.row * zoom()];
  // A bar of a round length, and where north is, in the lower left corner.
  const marks = () => {
    const sharp = canvas.width / canvas.clientWidth, foot = canvas.height - 14 * sharp;
    const write = (text, x, y) => {
      pen.font = `${13 * sharp}px system-ui, sans-serif`;
      pen.lineWidth = 3 * sharp;
      pen.strokeStyle = "#fff";
      pen.fillStyle = "#000";
      pen.strokeText(text, x, y);
      pen.fillText(text, x, y);
    };
    if (shown.metres) {
      const most = (110 * sharp * shown.metres[1]) / zoom(), power = 10 ** Math.floor(Math.log10(most));
      const long = [5, 2, 1].find((step) => step * power <= most) * power;
      const wide = (long * zoom()) / shown.metres[1];
      for (const [line, colour] of [[6, "#fff"], [3, "#000"]]) {
        pen.fillStyle = colour;
        pen.fillRect(12 * sharp - (line - 3) / 2, foot - (line * sharp) / 2, wide + line - 3, line * sharp);
      }
      write(long >= 1000 ? `${long / 1000} km` : `${Number(long.toPrecision(3))} m`, 12 * sharp, foot - 9 * sharp);
    }
    if (shown.transform) {
      const [a, b, , d, e] = shown.transform, turn = Math.sign(a * e - b * d);
      const length = Math.hypot(a, b), x = (-b * turn) / length, y = (a * turn) / length;
      const from = [canvas.width - 24 * sharp, 34 * sharp], reach = 16 * sharp;
      for (const [line, colour] of [[5, "#fff"], [2, "#000"]]) {
        pen.lineWidth = line * sharp;
        pen.strokeStyle = colour;
        pen.beginPath();
        pen.moveTo(from[0] - x * reach, from[1] - y * reach);
        pen.lineTo(from[0] + x * reach, from[1] + y * reach);
        pen.lineTo(from[0] + (x * 6 - y * 6) * sharp, from[1] + (y * 6 + x * 6) * sharp);
        pen.stroke();
      }
      write("N", from[0] - 20 * sharp, from[1] + 5 * sharp);
    }
  };
  const draw = () => {
    const size = zoom(), [left, top] = corner();
    const box = [left, top, width * size, height * size];
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = size < 1;
    const cut = id("swipe") ? (canvas.width * id("swipe").value) / id("swipe").max : 0;
    const half = (from, to, work) => {
      pen.save();
      pen.beginPath();
      pen.rect(from, 0, to - from, canvas.height);
      pen.clip();
      work();
      pen.restore();
    };
    if (!layers.left && !layers.right && shown.over) {
      pen.fillStyle = `rgb(${shown.classes[0].colour})`;
      pen.fillRect(...box);
    }
    if (layers.left) {
      half(0, id("swipe") && shown.over ? cut : canvas.width, () => pen.drawImage(layers.left, ...box));
    }
    if (shown.over && layers.right) half(cut, canvas.width, () => pen.drawImage(layers.right, ...box));
    if (!shown.over) {
      pen.globalAlpha = id("opacity") ? id("opacity").value / 100 : 1;
      half(cut, canvas.width, () => pen.drawImage(layers.paint, ...box));
      pen.globalAlpha = 1;
    }
    if (shown.over) {
      pen.globalAlpha = id("opacity").value / 100;
      pen.imageSmoothingEnabled = false;
      pen.drawImage(layers.paint, ...box);
      pen.globalAlpha = 1;
    }
    if (id("swipe")) {
      const sharp = canvas.width / canvas.clientWidth, middle = canvas.height / 2;
      pen.fillStyle = "#fff";
      pen.strokeStyle = "#0009";
      pen.lineWidth = sharp;
      pen.fillRect(cut - 1.5 * sharp, 0, 3 * sharp, canvas.height);
      pen.beginPath();
      pen.arc(cut, middle, 13 * sharp, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
      pen.fillStyle = "#222";
      for (const side of [-1, 1]) {
        pen.beginPath();
        for (const [across, down] of [[8, 0], [3, -4], [3, 4]]) {
          pen.lineTo(cut + side * across * sharp, middle + down * sharp);
        }
        pen.fill();
      }
    }
    marks();
    if (at) {
      const x = left + (at.col + 0.5) * size, y = top + (at.row + 0.5) * size, side = Math.max(size, 12);
      for (const [line, colour] of [[4, "#fff"], [2, "#000"]]) {
        pen.lineWidth = line;
        pen.strokeStyle = colour;
        pen.strokeRect(x - side / 2, y - side / 2, side, side);
      }
    }
  };

  const spectrum = () => {
    const layer = layers.spectra, home = id("spectrum");
    if (!layer || !at) return;
    const start = place(layer, at.row, at.col), plane = layer.width * layer.height;
    const values = layer.bands.map((_, band) => layer.data[band * plane + start]);
    if (values.every((value) => value === NONE)) { home.textContent = "no spectrum here"; return; }
    const x = layer.wavelengths ?? layer.bands;
    const low = Math.min(...x), high = Math.max(...x);
    let line = "", down = false;
    values.forEach((value, band) => {
      if (value === NONE) { down = false; return; }
      const across = 44 + (250 * (x[band] - low)) / Math.max(high - low, 1e-9);
      line += `${down ? "L" : "M"}${across.toFixed(1)} ${(110 - (100 * value) / STEPS).toFixed(1)}`;
      down = true;
    });
    const text = (value) => Number(value.toPrecision(3));
    home.innerHTML =
      `<svg class="chart" viewBox="0 0 300 135" role="img" aria-label="spectrum of the pixel">` +
      `<line class="grid" x1="44" x2="294" y1="10" y2="10"/><line class="grid" x1="44" x2="294" y1="110" y2="110"/>` +
      `<text x="40" y="14" text-anchor="end">${text(layer.high)}</text>` +
      `<text x="40" y="114" text-anchor="end">${text(layer.low)}</text>` +
      `<text x="44" y="130">${text(low)}</text><text x="294" y="130" text-anchor="end">${text(high)}</text>` +
      `<text x="169" y="130" text-anchor="middle">${layer.wavelengths ? "wavelength, nm" : "band"}</text>` +
      `<path class="curve c0" d="${line}"/></svg>`;
  };
  const tell = () => {
    if (!at) return;
    const { row, col } = at, lines = [`row ${row}, column ${col}`];
    const code = layers.values.data[place(layers.values, row, col)];
    const likely = layers.probability ? layers.probability.data[place(layers.probability, row, col)] : NONE;
    if (!shown.over) {
      lines.push(code < shown.classes.length ? shown.classes[code].name : "no data");
    } else if (layers.probability) {
      lines.push(likely === NONE ? "no data" : shown.classes[likely >= least() ? 1 : 0].name);
    } else {
      lines.push(code > 1 ? "no data" : shown.classes[code].name);
    }
    if (likely !== NONE) {
      lines.push(`${shown.likely} ${(likely / STEPS).toFixed(2)}`);
    }
    if (shown.transform) {
      const [a, b, c, d, e, f] = shown.transform;
      const x = a * (col + 0.5) + b * (row + 0.5) + c, y = d * (col + 0.5) + e * (row + 0.5) + f;
      const digits = Math.abs(a) + Math.abs(b) < 0.01 ? 5 : 1;
      lines[0] += ` · ${x.toFixed(digits)}, ${y.toFixed(digits)}${shown.crs ? ` (${shown.crs})` : ""}`;
    }
    if (shown.degrees) {
      const nodes = Math.round(Math.sqrt(shown.degrees.east.length)) - 1;
      const down = ((row + 0.5) * nodes) / height, along = ((col + 0.5) * nodes) / width;
      const r = Math.min(nodes - 1, Math.floor(down)), c = Math.min(nodes - 1, Math.floor(along));
      const [east, north] = [shown.degrees.east, shown.degrees.north].map((values) => {
        const of = (i, j) => values[(r + i) * (nodes + 1) + c + j], v = down - r, u = along - c;
        return (of(0, 0) * (1 - u) + of(0, 1) * u) * (1 - v) + (of(1, 0) * (1 - u) + of(1, 1) * u) * v;
      });
      const side = (value, plus, minus) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? minus : plus}`;
      lines.push(`${side(north, "N", "S")}, ${side(east, "E", "W")}`);
    }
    id("under").textContent = lines.join("\n");
    spectrum();
  };
  const point = (row, col) => {
    at = { row: Math.min(height - 1, Math.max(0, row)), col: Math.min(width - 1, Math.max(0, col)) };
    tell();
    draw();
  };
  const under = (event) => {
    const box = canvas.getBoundingClientRect(), [left, top] = corner();
    const x = ((event.clientX - box.left) * canvas.width) / box.width;
    const y = ((event.clientY - box.top) * canvas.height) / box.height;
    return { x, y, col: (x - left) / zoom(), row: (y - top) / zoom() };
  };
  // A pixel may become 24 wide, also of a map that is very long.
  const most = () => Math.max(64, 24 / fit());
  // A line of pixels is shown from its beginning, wide enough to be seen, and panned along.
  const readable = () => (32 * canvas.width) / canvas.clientWidth / (Math.min(width, height) * fit());
  const zoomTo = (scale, col = view.col, row = view.row) => {
    view.scale = Math.min(most(), Math.max(1, scale));
    const halfWide = canvas.width / zoom() / 2, halfHigh = canvas.height / zoom() / 2;
    const kept = (value, half, size) => (2 * half >= size ? size / 2 : Math.min(size - half, Math.max(half, value)));
    view.col = kept(col, halfWide, width);
    view.row = kept(row, halfHigh, height);
    canvas.style.touchAction = view.scale > 1 ? "none" : "pan-y";
    draw();
  };
  const keepIn = () => {
    const [left, top] = corner(), size = zoom();
    const x = left + (at.col + 0.5) * size, y = top + (at.row + 0.5) * size;
    if (x < 0 || y < 0 || x > canvas.width || y > canvas.height) zoomTo(view.scale, at.col, at.row);
  };
  const resize = () => {
    const sharp = Math.min(2, devicePixelRatio || 1);
    const wide = canvas.clientWidth;
    const tall = Math.max(Math.min((wide * height) / width, Math.max(320, innerHeight * 0.8)), Math.min(240, wide));
    canvas.style.height = `${Math.round(tall)}px`;
    canvas.width = Math.round(wide * sharp);
    canvas.height = Math.round(tall * sharp);
    zoomTo(view.scale);
  };

  const onLine = (event) => {
    if (!id("swipe")) return false;
    const box = canvas.getBoundingClientRect();
    const line = box.left + (box.width * id("swipe").value) / id("swipe").max;
    return Math.abs(event.clientX - line) < (event.pointerType === "touch" ? 24 : 10);
  };
  const swipeTo = (event) => {
    const box = canvas.getBoundingClientRect();
    id("swipe").value = (id("swipe").max * (event.clientX - box.left)) / box.width;
    draw();
  };

  const listen = () => {
    let drag = null, pinch = null;
    const fingers = new Map();
    const span = () => {
      const [one, other] = [...fingers.values()];
      return Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
    };
    const between = () => {
      const [one, other] = [...fingers.values()];
      return under({ clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
    };
    canvas.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) {
        pinch = { ...between(), span: span(), scale: view.scale };
        drag = null;
        canvas.setPointerCapture(event.pointerId);
        return;
      }
      drag = { ...under(event), held: view.scale > 1, line: onLine(event) };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
      if (fingers.size === 2 && pinch) {
        zoomTo((pinch.scale * span()) / pinch.span);
        const now = between();
        zoomTo(view.scale, view.col + pinch.col - now.col, view.row + pinch.row - now.row);
        return;
      }
      const here = under(event);
      canvas.style.cursor = drag?.line || onLine(event) ? "ew-resize" : "";
      if (drag?.line) {
        swipeTo(event);
      } else if (drag?.held) {
        zoomTo(view.scale, view.col - (here.col - drag.col), view.row - (here.row - drag.row));
      } else if (here.col >= 0 && here.row >= 0 && here.col < width && here.row < height) {
        point(Math.floor(here.row), Math.floor(here.col));
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        const here = under(event), clicked = end === "pointerup" && !drag?.line && !pinch;
        fingers.delete(event.pointerId);
        if (!fingers.size) pinch = null;
        drag = null;
        if (clicked) point(Math.floor(here.row), Math.floor(here.col));
      });
    }
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      const here = under(event), before = view.scale;
      const scale = Math.min(most(), Math.max(1, before * (event.deltaY < 0 ? 1.25 : 0.8))), share = before / scale;
      zoomTo(scale, here.col + (view.col - here.col) * share, here.row + (view.row - here.row) * share);
    }, { passive: false });
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    canvas.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1;
      if (event.key in moves) {
        const [down, along] = moves[event.key];
        const from = at ?? { row: Math.floor(view.row), col: Math.floor(view.col) };
        point(from.row + step * down, from.col + step * along);
        keepIn();
      } else if (event.key === "+" || event.key === "=") zoomTo(view.scale * 1.5, at?.col, at?.row);
      else if (event.key === "-") zoomTo(view.scale / 1.5);
      else if (event.key === "0") zoomTo(1);
      else return;
      event.preventDefault();
    });
    id("closer").addEventListener("click", () => zoomTo(view.scale * 1.5));
    id("wider").addEventListener("click", () => zoomTo(view.scale / 1.5));
    id("whole").addEventListener("click", () => zoomTo(1));
    id("swipe")?.addEventListener("input", draw);
    id("opacity")?.addEventListener("input", draw);
    id("layer")?.addEventListener("change", () => { repaint(); draw(); });
    const save = (name, address) => {
      const link = document.createElement("a");
      link.href = address;
      link.download = name;
      link.click();
    };
    id("picture").addEventListener("click", () => save("map.png", canvas.toDataURL("image/png")));
    id("table").addEventListener("click", () => {
      const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
      const rows = shown.classes.map((one) => `${quoted(one.name)},${one.pixels},${one.hectares ?? ""}`);
      const table = new Blob([["name,pixels,hectares", ...rows, ""].join("\r\n")], { type: "text/csv" });
      save("areas.csv", URL.createObjectURL(table));
    });
    for (const button of document.querySelectorAll(".only")) {
      button.addEventListener("click", () => {
        const value = Number(button.dataset.value);
        only = only === value ? null : value;
        for (const other of document.querySelectorAll(".only")) {
          other.setAttribute("aria-pressed", String(Number(other.dataset.value) === only));
        }
        repaint();
        draw();
      });
    }
    id("threshold")?.addEventListener("input", () => { repaint(); count(); tell(); draw(); });
    for (const button of document.querySelectorAll(".go")) {
      button.addEventListener("click", () => {
        const [west, north, east, south] = shown.largest[button.dataset.place].box;
        const most = 4 * Math.max(east - west, south - north, 16);
        zoomTo(Math.min(width, height) / most, (west + east) / 2, (north + south) / 2);
        point(Math.floor((north + south) / 2), Math.floor((west + east) / 2));
        canvas.scrollIntoView({ block: "nearest" });
      });
    }
    addEventListener("resize", resize);
  };

  (async () => {
    id("wait").textContent = "The map is being unpacked.";
    for (const name of ["values", "probability", "spectra"]) {
      if (shown[name]) layers[name] = await unpack(shown[name]);
    }
    for (const name of ["left", "right"]) if (shown[name]) layers[name] = await load(shown[name]);
    repaint();
    count();
    listen();
    resize();
    if (readable() > 1) zoomTo(readable(), 0, 0);
    id("wait").remove();
    document.documentElement.dataset.ready = "map";
  })();
}
