import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./en.json";
import zh from "./zh.json";

export const LANGUAGES = ["zh", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = "ccplatform.language";

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
    resources: { translation: Omit<typeof en, ServerNamed> };
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

export function startI18n(language: Language): void {
  void i18next.use(initReactI18next).init({
    resources: { en: { translation: en }, zh: { translation: zh } },
    lng: language,
    fallbackLng: "en",
    interpolation: { escapeValue: false }, // React escapes
  });
}
