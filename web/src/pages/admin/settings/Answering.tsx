import { useQuery } from "@tanstack/react-query";
import { Input } from "antd";
import { useId, useState } from "react";
import { useApi } from "../../../api/context";
import { ApiError, unwrap } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import type { Schemas } from "../../../live/types";
import { instantOf, localOf } from "./days";
import type { Item } from "./kind";

/** Who answers a number at some time, by the rules as they stand in the form. */
export function Answering({ draft }: { readonly draft: Item }) {
  const words = useWords();
  const api = useApi();
  const id = useId();
  const [at, setAt] = useState(() => new Date().toISOString());
  const asks = isWhole(draft);
  const answer = useQuery({
    queryKey: ["answering", draft, at],
    queryFn: ({ signal }) =>
      unwrap(
        api.POST("/api/v1/configuration/numbers/answering", {
          body: { number: draft as unknown as Schemas["NumberDocument"], at },
          signal,
        }),
      ),
    enabled: asks,
    retry: false,
  });
  const { data, error } = answer;
  return (
    <div className="setting-field">
      <label htmlFor={id}>{words.name("settingField", "answers_at")}</label>
      <div>
        <Input
          id={id}
          type="datetime-local"
          value={localOf(at)}
          onChange={(event) => {
            const chosen = instantOf(event.target.value);
            if (chosen !== null) {
              setAt(chosen);
            }
          }}
        />
        <p className="setting-hint" role="status">
          {!asks
            ? words.hint("answers_nobody")
            : error !== null
              ? error instanceof ApiError && error.status !== 0
                ? error.message
                : words.problem(error)
              : data === undefined
                ? "…"
                : `${data.flow} · ${words.name("settingChoice", `by_${data.by}`)}${data.rule === null ? "" : ` ${String(data.rule + 1)}`}`}
        </p>
      </div>
    </div>
  );
}

/** Whether the server can be asked already: what is being filled in is no mistake. */
export function isWhole({ flow, calendar, closed_flow, rules }: Item): boolean {
  const filled = (value: unknown) => typeof value === "string" && value !== "";
  const all: readonly Item[] = Array.isArray(rules) ? (rules as readonly Item[]) : [];
  return (
    filled(flow) &&
    filled(calendar) === filled(closed_flow) &&
    all.every((rule) => filled(rule.flow) && [rule.start, rule.end, rule.calendar].some(filled))
  );
}
