/** The words of the simulator; they come with it, not with the first page. */
import en from "../../../../i18n/simulator.en.json";
import zh from "../../../../i18n/simulator.zh.json";
import { useLanguage } from "../../../../i18n/useWords";

export type SimulatorWords = typeof en;
const WORDS: Record<"en" | "zh", SimulatorWords> = { en, zh };

export function useSimulatorWords(): SimulatorWords {
  return WORDS[useLanguage()];
}
