// Light, dark, or as the system has it.

const KEY = "gemini-emulator-theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };

/** Make a button switch the theme; the choice is remembered. */
export function themeButton(button) {
  let theme = localStorage.getItem(KEY) ?? "auto";
  if (!(theme in NEXT)) theme = "auto";
  const show = () => {
    document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    localStorage.setItem(KEY, theme);
    show();
  });
  show();
}
