import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/problem";
import { formats, type Formats } from "../ui/format";
import type { Language } from "./index";

/** Names of things whose words the server may extend: unknown ones are shown as they came. */
export interface Words extends Formats {
  readonly language: Language;
  /** The translation under `group`, else the word itself. */
  readonly name: (group: Group, word: string) => string;
  /** What there is to say about a field or kind of the settings, if anything. */
  readonly hint: (word: string) => string | undefined;
  readonly problem: (error: unknown) => string;
}

export type Group =
  | "alarmKind"
  | "auditAction"
  | "auditResult"
  | "cause"
  | "direction"
  | "fact"
  | "legRole"
  | "numberClass"
  | "level"
  | "messageState"
  | "outcome"
  | "problem"
  | "reason"
  | "recordingMode"
  | "releasedBy"
  | "role"
  | "settingChoice"
  | "settingField"
  | "settingHint"
  | "settingKind"
  | "state"
  | "weekday";

export function useLanguage(): Language {
  const { i18n } = useTranslation();
  return i18n.language === "zh" ? "zh" : "en";
}

export function useWords(): Words {
  const { t, i18n } = useTranslation();
  const language = useLanguage();
  return useMemo(() => {
    // Keys made of the server's words cannot be typed: whether they exist is asked first.
    const loose = t as unknown as (key: string, values?: Record<string, unknown>) => string;
    const name = (group: Group, word: string) => {
      const key = `${group}.${word.replaceAll(".", "_")}`;
      return i18n.exists(key) ? loose(key) : word;
    };
    const hint = (word: string) => {
      const key = `settingHint.${word}`;
      return i18n.exists(key) ? loose(key) : undefined;
    };
    const problem = (error: unknown) => {
      if (!(error instanceof ApiError)) {
        return loose("problem.unknown");
      }
      const key = `problem.${error.code}`;
      return i18n.exists(key) ? loose(key, { seconds: error.retryAfter ?? 1 }) : error.message;
    };
    return { language, name, hint, problem, ...formats(language) };
  }, [t, i18n, language]);
}
