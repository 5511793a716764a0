import { useQuery } from "@tanstack/react-query";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import type { Schemas } from "../../../live/types";

const NONE: Schemas["DispositionItem"][] = [];

/** The results that agents may note, as they are configured now; none before they are known. */
export function useDispositions() {
  const api = useApi();
  const dispositions = useQuery({
    queryKey: ["dispositions"],
    queryFn: () => unwrap(api.GET("/api/v1/configuration/dispositions")),
  });
  return dispositions.data?.items ?? NONE;
}
