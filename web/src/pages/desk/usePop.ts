import { useQuery } from "@tanstack/react-query";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import type { Call } from "../../live/types";

/** The screen pop of the call in hand, asked for once by all who show a part of it. */
export function usePop(call: Call | undefined) {
  const api = useApi();
  return useQuery({
    // Once more at each stage: what a bot told last may have come after the first look.
    queryKey: ["pop", call?.contact, call?.stage],
    queryFn: () => unwrap(api.GET("/api/v1/me/pop")),
    enabled: call !== undefined,
    staleTime: Infinity,
    placeholderData: (before) => (before != null && before.contact === call?.contact ? before : undefined),
  });
}
