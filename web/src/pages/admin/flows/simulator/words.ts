/** The words of the simulator; they come with it, not with the first page. */
import en from "../../../../i18n/simulator.en.json";
import zh from "../../../../i18n/simulator.zh.json";
import { useLanguage } from "../../../../i18n/useWords";

export type SimulatorWords = typeof en;
const WORDS: Record<"en" | "zh", SimulatorWords> = { en, zh };

export function useSimulatorWords(): SimulatorWords {
  return WORDS[useLanguage()];
}

/** Fill the places of a text: `{{name}}`. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_all, name: string) => String(values[name] ?? ""));
}

/** The word of something that the server may know and these pages not: then it is shown as it came. */
export function named(words: Readonly<Record<string, string>>, name: string): string {
  return words[name] ?? name.replaceAll("_", " ");
}
