/** Colours of both themes: one table for the component library's tokens and for the pages' own CSS variables. */
import { theme as antd, type ThemeConfig } from "antd";

export type ThemeName = "light" | "dark";

const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif';

/** State colours are used for text too: contrast to page, panel and sunken ground is at least 4.5. */
export const PALETTE: Record<ThemeName, Record<string, string>> = {
  light: {
    page: "#f4f5f7",
    panel: "#ffffff",
    sunken: "#eef0f3",
    line: "#e1e4e9",
    text: "#16191d",
    quiet: "#59616d",
    accent: "#2553d9",
    talking: "#1d55d0",
    held: "#0b6f86",
    reserved: "#a14a05",
    wrap_up: "#7a2fc0",
    ready: "#13783a",
    not_ready: "#6a5a3c",
    signed_out: "#626a76",
    good: "#13783a",
    warn: "#a14a05",
    bad: "#c2202a",
    "warn-wash": "#fdf3e4",
    "bad-wash": "#fdecec",
    "accent-wash": "#edf2ff",
    "on-bad": "#ffffff",
  },
  dark: {
    page: "#0e1115",
    panel: "#171b21",
    sunken: "#20252d",
    line: "#2a3039",
    text: "#eceff3",
    quiet: "#9aa4b2",
    accent: "#7ea2ff",
    talking: "#6fa2ff",
    held: "#3ec7de",
    reserved: "#f2ad4e",
    wrap_up: "#c592f5",
    ready: "#4fcb7c",
    not_ready: "#c9b07f",
    signed_out: "#8791a0",
    good: "#4fcb7c",
    warn: "#f2ad4e",
    bad: "#ff7b7f",
    "warn-wash": "#2f2413",
    "bad-wash": "#3a181b",
    "accent-wash": "#1a2440",
    "on-bad": "#1c0507",
  },
};

const KEY = "ccplatform.theme";

export function preferredTheme(storage: Storage, systemIsDark: boolean): ThemeName {
  const chosen = storage.getItem(KEY);
  return chosen === "light" || chosen === "dark" ? chosen : systemIsDark ? "dark" : "light";
}

export function rememberTheme(storage: Storage, name: ThemeName): void {
  storage.setItem(KEY, name);
}

/** Make the colours known to the style sheets. */
export function applyTheme(name: ThemeName, root: HTMLElement): void {
  root.dataset.theme = name;
  root.style.colorScheme = name;
  for (const [key, value] of Object.entries(PALETTE[name])) {
    root.style.setProperty(`--${key.replace("_", "-")}`, value);
  }
}

export function antdTheme(name: ThemeName): ThemeConfig {
  const colours = PALETTE[name];
  const pick = (key: string) => colours[key] ?? "";
  return {
    algorithm: name === "dark" ? antd.darkAlgorithm : antd.defaultAlgorithm,
    token: {
      fontFamily: FONT,
      borderRadius: 8,
      // In the dark the library mixes it with black: what comes of it carries white words at 4.78.
      colorPrimary: name === "dark" ? "#527eee" : pick("accent"),
      colorLink: pick("accent"),
      colorBgLayout: pick("page"),
      colorBgContainer: pick("panel"),
      colorBgElevated: name === "dark" ? "#1d222a" : pick("panel"),
      colorText: pick("text"),
      colorTextSecondary: pick("quiet"),
      colorTextDescription: pick("quiet"),
      colorTextPlaceholder: pick("quiet"),
      colorBorderSecondary: pick("line"),
      colorError: pick("bad"),
      wireframe: false,
    },
    components: {
      // The library lightens words and border under the pointer, to less contrast than 4.5.
      Button: {
        defaultHoverColor: pick("accent"),
        defaultHoverBorderColor: pick("accent"),
        defaultActiveColor: pick("accent"),
        defaultActiveBorderColor: pick("accent"),
      },
      Tabs: { itemSelectedColor: pick("accent"), itemHoverColor: pick("accent"), inkBarColor: pick("accent") },
      Table: {
        headerBg: pick("panel"),
        headerColor: pick("quiet"),
        headerSplitColor: "transparent",
        rowHoverBg: pick("sunken"),
        headerBorderRadius: 0,
        cellFontSizeSM: 13,
      },
    },
  };
}
