// The controls beside the map: layer, image, sliders, legends, and the table of the largest changes.
const showLegend = () => {
  for (const legend of document.querySelectorAll(".legend")) legend.hidden = legend.dataset.layer !== chosen();
};
const listenToLegends = () => {
  for (const legend of document.querySelectorAll(".legend")) {
    const name = legend.dataset.layer, buttons = legend.querySelectorAll(".only");
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const value = Number(button.dataset.value);
        alone[name] = alone[name] === value ? null : value;
        for (const other of buttons) {
          other.setAttribute("aria-pressed", String(Number(other.dataset.value) === alone[name]));
        }
        repaint();
        redraw();
      });
    }
  }
};
const listenToControls = () => {
  id("closer").addEventListener("click", () => zoomTo(view.scale * 1.5));
  id("wider").addEventListener("click", () => zoomTo(view.scale / 1.5));
  id("whole").addEventListener("click", () => zoomTo(1));
  id("swipe")?.addEventListener("input", draw);
  id("opacity")?.addEventListener("input", redraw);
  id("layer")?.addEventListener("change", () => { repaint(); showLegend(); redraw(); });
  for (const name of ["beneath", "red", "green", "blue"]) {
    id(name)?.addEventListener("change", async () => { await lay(); redraw(); });
  }
  id("threshold")?.addEventListener("input", () => { repaint(); count(); tell(); redraw(); });
  for (const button of document.querySelectorAll(".go")) {
    button.addEventListener("click", () => {
      const [west, north, east, south] = shown.largest[button.dataset.place].box;
      const wide = 4 * Math.max(east - west, south - north, 16);
      zoomTo(Math.min(width, height) / wide, (west + east) / 2, (north + south) / 2);
      point(Math.floor((north + south) / 2), Math.floor((west + east) / 2));
      canvas.scrollIntoView({ block: "nearest" });
    });
  }
  addEventListener("resize", resize);
};
