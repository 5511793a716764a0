import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useApi } from "../api/context";
import { unwrap } from "../api/problem";
import { useWords } from "../i18n/useWords";
import type { Schemas } from "../live/types";

export const REASONS_KEY = ["reasons"] as const;
const NONE: readonly Schemas["ReasonChoice"][] = [];

/** The configured reasons for not being ready, and what any reason is called. */
export function useReasons() {
  const api = useApi();
  const words = useWords();
  const { data } = useQuery({
    queryKey: REASONS_KEY,
    queryFn: () => unwrap(api.GET("/api/v1/me/reasons")),
    staleTime: 60_000,
  });
  const reasons = data?.items ?? NONE;
  const nameOf = useCallback(
    (id: string) => (id === "" ? "" : (reasons.find((each) => each.id === id)?.name ?? words.name("reason", id))),
    [reasons, words],
  );
  return { reasons, nameOf };
}
