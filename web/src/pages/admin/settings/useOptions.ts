import { useMemo } from "react";
import { useWords } from "../../../i18n/useWords";
import type { Options } from "./kind";
import { useListed } from "./useSettings";

/** Options of a choice: words, or what there is of another kind. */
export function useOptions(options: Options): { value: string; label: string }[] {
  const words = useWords();
  const kind = "kind" in options ? options.kind : "";
  const { data } = useListed(kind, kind !== "");
  return useMemo(() => {
    if ("words" in options) {
      return options.of.map((value) => ({ value, label: words.name(options.words, value) }));
    }
    return (data?.items ?? []).map(({ id, name }) => ({
      value: id,
      label: typeof name === "string" && name !== id ? `${id} · ${name}` : id,
    }));
  }, [options, data, words]);
}
