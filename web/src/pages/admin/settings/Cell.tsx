import { useTranslation } from "react-i18next";
import { useWords } from "../../../i18n/useWords";
import { NOTHING } from "../../../ui/format";
import { textOfWeek, type Week } from "./days";
import { textOf, type KindPage, type Value } from "./kind";

/** A value of a list or a history, in words where it has some. */
export function Cell({ kind, name, value }: { readonly kind: KindPage; readonly name: string; readonly value: Value }) {
  const { t } = useTranslation();
  const words = useWords();
  const field = kind.fields.find((one) => one.name === name);
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) {
    return <span className="quiet">{NOTHING}</span>;
  }
  if (typeof value === "boolean") {
    return <span>{t(value ? "settings.yes" : "settings.no")}</span>;
  }
  if ((field?.type === "choice" || field?.type === "choices") && "words" in field.options) {
    const group = field.options.words;
    return <span>{(Array.isArray(value) ? value : [value]).map((one) => words.name(group, String(one))).join(", ")}</span>;
  }
  const week = field?.type === "week" && typeof value === "object" && !Array.isArray(value);
  const text = week ? textOfWeek(value as Week, words.weekday) : textOf(value);
  return (
    <span className="setting-cell" title={text}>
      {text}
    </span>
  );
}
