// What lies over the map: the line between two images, a scale bar, where north is, and the cross.
let at = null;

const drawLine = (line) => {
  const fine = sharp(), middle = canvas.height / 2;
  pen.fillStyle = "#fff";
  pen.strokeStyle = "#0009";
  pen.lineWidth = fine;
  pen.fillRect(line - 1.5 * fine, 0, 3 * fine, canvas.height);
  pen.beginPath();
  pen.arc(line, middle, 13 * fine, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
  pen.fillStyle = "#222";
  for (const side of [-1, 1]) {
    pen.beginPath();
    for (const [across, down] of [[8, 0], [3, -4], [3, 4]]) {
      pen.lineTo(line + side * across * fine, middle + down * fine);
    }
    pen.fill();
  }
};
const write = (text, x, y) => {
  const fine = sharp();
  pen.font = `${13 * fine}px system-ui, sans-serif`;
  pen.lineWidth = 3 * fine;
  pen.strokeStyle = "#fff";
  pen.fillStyle = "#000";
  pen.strokeText(text, x, y);
  pen.fillText(text, x, y);
};
// A bar of a round length in the lower left corner.
const drawScale = () => {
  const fine = sharp(), foot = canvas.height - 14 * fine;
  const longest = (110 * fine * shown.metres[1]) / zoom(), power = 10 ** Math.floor(Math.log10(longest));
  const long = [5, 2, 1].find((step) => step * power <= longest) * power;
  const wide = (long * zoom()) / shown.metres[1];
  for (const [line, colour] of [[6, "#fff"], [3, "#000"]]) {
    pen.fillStyle = colour;
    pen.fillRect(12 * fine - (line - 3) / 2, foot - (line * fine) / 2, wide + line - 3, line * fine);
  }
  write(long >= 1000 ? `${long / 1000} km` : `${Number(long.toPrecision(3))} m`, 12 * fine, foot - 9 * fine);
};
const drawNorth = () => {
  const fine = sharp(), [a, b, , d, e] = shown.transform, turn = Math.sign(a * e - b * d);
  const length = Math.hypot(a, b), x = (-b * turn) / length, y = (a * turn) / length;
  const from = [canvas.width - 24 * fine, 34 * fine], reach = 16 * fine;
  for (const [line, colour] of [[5, "#fff"], [2, "#000"]]) {
    pen.lineWidth = line * fine;
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.moveTo(from[0] - x * reach, from[1] - y * reach);
    pen.lineTo(from[0] + x * reach, from[1] + y * reach);
    pen.lineTo(from[0] + (x * 6 - y * 6) * fine, from[1] + (y * 6 + x * 6) * fine);
    pen.stroke();
  }
  write("N", from[0] - 20 * fine, from[1] + 5 * fine);
};
const drawMarks = () => {
  if (shown.metres) drawScale();
  if (shown.transform) drawNorth();
};
const drawCross = () => {
  if (!at) return;
  const size = zoom(), [left, top] = corner();
  const x = left + (at.col + 0.5) * size, y = top + (at.row + 0.5) * size, side = Math.max(size, 12);
  for (const [line, colour] of [[4, "#fff"], [2, "#000"]]) {
    pen.lineWidth = line;
    pen.strokeStyle = colour;
    pen.strokeRect(x - side / 2, y - side / 2, side, side);
  }
};
