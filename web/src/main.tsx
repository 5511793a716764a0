import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { createApi } from "./api/client";
import { SessionStore } from "./api/session";
import "./base.css";
import { preferredLanguage, startI18n } from "./i18n";
import { applyTheme, preferredTheme } from "./ui/theme";

const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)").matches;
const theme = preferredTheme(window.localStorage, systemIsDark);
applyTheme(theme, document.documentElement);

const session = new SessionStore(window.sessionStorage);
const root = document.getElementById("root");
if (root !== null) {
  await startI18n(preferredLanguage(window.localStorage, navigator.languages));
  createRoot(root).render(
    <StrictMode>
      <App services={{ api: createApi(session), session }} theme={theme} />
    </StrictMode>,
  );
}
