import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";

const LOOK_MS = 60_000;

/** How far agents kept to their shifts today, by number; those without a plan so far are not there. Once a minute. */
export function useAdherence(enabled: boolean): ReadonlyMap<string, number> {
  const api = useApi();
  const { data } = useQuery({
    queryKey: ["adherence"],
    queryFn: () => unwrap(api.GET("/api/v1/adherence")),
    refetchInterval: LOOK_MS,
    enabled,
  });
  return useMemo(
    () => new Map(data?.items.flatMap(({ agent, adherence }) => (adherence === null ? [] : [[agent, adherence] as const]))),
    [data],
  );
}
