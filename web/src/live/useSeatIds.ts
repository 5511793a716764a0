import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useApi, useMe } from "../api/context";
import { unwrap } from "../api/problem";
import { hasRole } from "../api/session";
import { useLive } from "./context";

/** The seats, sorted: configured ones where the role may read them, and those heard of. */
export function useSeatIds(): readonly string[] {
  const api = useApi();
  const me = useMe();
  const live = useLive((state) => state.view.rows.seats);
  const configured = useQuery({
    queryKey: ["seats"],
    queryFn: () => unwrap(api.GET("/api/v1/seats")),
    enabled: hasRole(me, "supervisor", "maintainer", "admin"),
    staleTime: Infinity,
  });
  return useMemo(
    () => [...new Set([...(configured.data?.items.map((seat) => seat.id) ?? []), ...live.keys()])].sort(),
    [configured.data, live],
  );
}
