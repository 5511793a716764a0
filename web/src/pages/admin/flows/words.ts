/** The words of the flow designer; they come with it, not with the first page. */
import { useMemo } from "react";
import en from "../../../i18n/flows.en.json";
import zh from "../../../i18n/flows.zh.json";
import { fill, named } from "../../../i18n/places";
import { useLanguage } from "../../../i18n/useWords";
import { whereOf } from "./document";
import type { Field } from "./schema";

export type FlowWords = typeof en;
const WORDS: Record<"en" | "zh", FlowWords> = { en, zh };

export function useFlowWords(): FlowWords {
  return WORDS[useLanguage()];
}

/** What to say below a field: our words, in Chinese never the schema's English ones. */
export function useHints(): (field: Field) => string | undefined {
  const words = useFlowWords();
  const language = useLanguage();
  return useMemo(() => {
    const hints: Readonly<Record<string, string>> = words.fieldHints;
    return ({ name, description }) => hints[name] ?? (language === "zh" || description === "" ? undefined : description);
  }, [words, language]);
}

/** `choices.2` → key 2; `cases.0.next` → case 1. */
export function exitName(words: FlowWords, path: string): string {
  const [field = "", ...rest] = path.split(".");
  const name = named(words.exits, field);
  const [key] = rest;
  if (key === undefined) {
    return name;
  }
  if (key === "+") {
    return `${name} · ${words.exits.more}`;
  }
  return `${name} ${field === "cases" ? String(Number(key) + 1) : key}`;
}

/** Where a problem is, in words: fields by their names, places in lists counted from one. */
export function fieldPath(words: FlowWords, path: string): string {
  return whereOf(path)
    .field.split(".")
    .filter((step) => step !== "")
    .map((step) => (/^\d+$/.test(step) ? String(Number(step) + 1) : named(words.fields, step)))
    .join(" › ");
}

type Reason = keyof FlowWords["reasons"];
const REASONS: readonly (readonly [RegExp, Reason])[] = [
  [/^Field required$/, "required"],
  [/^there is no node '(?<name>.+)'$/, "noNode"],
  [/^there is no (?<what>queue|trunk|query|calendar|bot|flow|recording) '(?<name>.+)'/, "noSuch"],
  [/^no way leads to this node$/, "unreachable"],
  [/^the text in this language is missing$/, "language"],
  [/^a prompt can fail/, "onError"],
  [/^an endless loop without any key of the caller: (?<way>.+)$/, "loop"],
  [/should have at least 1 (character|item)/, "empty"],
  [/^nothing sets (the variable )?'(?<name>.+)'/, "unset"],
];

/** The server's reason in the language of the page where it is a usual one. */
export function reasonWords(words: FlowWords, reason: string): string {
  for (const [pattern, key] of REASONS) {
    const found = pattern.exec(reason);
    if (found !== null) {
      const { what, ...values } = { what: "", ...found.groups };
      return fill(words.reasons[key], { ...values, what: named(words.fields, what) });
    }
  }
  return reason.replace(/^Value error, /, "");
}
