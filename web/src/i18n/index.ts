import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { Locale } from "antd/es/locale";
import type admin from "./admin.en.json";
import type en from "./en.json";

export const LANGUAGES = ["zh", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = "ccplatform.language";
const ADMIN = "admin";

type ServerNamed =
  | "alarmKind"
  | "auditAction"
  | "cause"
  | "fact"
  | "settingChoice"
  | "settingField"
  | "settingHint"
  | "settingKind";

declare module "i18next" {
  interface CustomTypeOptions {
    // These are looked up by the server's names, and would only make the type of keys too large.
    resources: { translation: Omit<typeof en & typeof admin, ServerNamed> };
  }
}

/** What was chosen here before, else what the browser asks for. */
export function preferredLanguage(storage: Storage, wanted: readonly string[]): Language {
  const chosen = LANGUAGES.find((language) => language === storage.getItem(KEY));
  const asked = wanted
    .map((tag) => LANGUAGES.find((language) => tag.toLowerCase().startsWith(language)))
    .find((language) => language !== undefined);
  return chosen ?? asked ?? "en";
}

export function rememberLanguage(storage: Storage, language: Language): void {
  storage.setItem(KEY, language);
}

/** Our words and those of the component library, loaded when they are needed: nobody reads both languages. */
async function load(language: Language): Promise<{ translation: object; library: Locale }> {
  const [words, library] = await (language === "zh"
    ? Promise.all([import("./zh.json"), import("antd/locale/zh_CN")])
    : Promise.all([import("./en.json"), import("antd/locale/en_GB")]));
  return { translation: words.default, library: library.default };
}

/** Words of the administration, which most people never open: loaded with its pages. */
async function loadAdmin(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, ADMIN)) {
    const words = await (language === "zh" ? import("./admin.zh.json") : import("./admin.en.json"));
    i18next.addResourceBundle(language, ADMIN, words.default);
  }
}

/** Get the administration's words for its first page; from then on they follow the language. */
export async function loadAdminWords(): Promise<void> {
  await loadAdmin(i18next.language === "zh" ? "zh" : "en");
}

export async function startI18n(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { [language]: await load(language) },
    lng: language,
    fallbackLng: false,
    fallbackNS: ADMIN,
    interpolation: { escapeValue: false }, // React escapes
  });
}

/** Go over to another language; throws when its words cannot be loaded, and stays with the one that is spoken. */
export async function speak(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, "translation")) {
    const { translation, library } = await load(language);
    i18next.addResourceBundle(language, "translation", translation);
    i18next.addResourceBundle(language, "library", library);
  }
  if (i18next.hasResourceBundle(i18next.language, ADMIN)) {
    await loadAdmin(language);
  }
  await i18next.changeLanguage(language);
}

/** The component library's own words. */
export function libraryWords(language: Language): Locale {
  return i18next.getResourceBundle(language, "library") as Locale;
}
