// Unpack, listen, show.
(async () => {
  id("wait").textContent = "The map is being unpacked.";
  for (const [name, layer] of Object.entries(shown.layers)) layers[name] = await unpack(layer);
  for (const [side, cube] of Object.entries(shown.spectra)) cubes[side] = await unpack(cube);
  beginOwn();
  await lay();
  repaint();
  count();
  showLegend();
  listenToPointers();
  listenToKeys();
  listenToControls();
  listenToLegends();
  listenToSaving();
  resize();
  if (readable() > 1) zoomTo(readable(), 0, 0);
  drawNow();
  id("wait").remove();
  document.documentElement.dataset.ready = "map";
})();
