"use strict";
// Light and dark: the system's, until the button says otherwise.
{
  const button = document.getElementById("theme"), root = document.documentElement;
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const show = () => {
    button.textContent = dark ? "light" : "dark";
    button.setAttribute("aria-label", `switch to ${button.textContent} colours`);
    button.setAttribute("aria-pressed", String(dark));
  };
  button.addEventListener("click", () => {
    dark = !dark;
    root.style.colorScheme = dark ? "dark" : "light";
    show();
  });
  show();
  root.dataset.script = "runs"; // what does nothing without it is hidden
}
