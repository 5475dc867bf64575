// The map by mouse, fingers and keys.
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
const keepIn = () => {
  const [left, top] = corner(), size = zoom();
  const x = left + (at.col + 0.5) * size, y = top + (at.row + 0.5) * size;
  if (x < 0 || y < 0 || x > canvas.width || y > canvas.height) zoomTo(view.scale, at.col, at.row);
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

const listenToPointers = () => {
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
    canvas.setPointerCapture(event.pointerId);
    if (fingers.size === 2) {
      pinch = { ...between(), span: span(), scale: view.scale };
      drag = null;
    } else drag = { ...under(event), held: view.scale > 1, line: onLine(event) };
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
};

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const listenToKeys = () => {
  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 1;
    if (event.key in MOVES) {
      const [down, along] = MOVES[event.key];
      const from = at ?? { row: Math.floor(view.row), col: Math.floor(view.col) };
      point(from.row + step * down, from.col + step * along);
      keepIn();
    } else if (event.key === "+" || event.key === "=") zoomTo(view.scale * 1.5, at?.col, at?.row);
    else if (event.key === "-") zoomTo(view.scale / 1.5);
    else if (event.key === "0") zoomTo(1);
    else return;
    event.preventDefault();
  });
};
