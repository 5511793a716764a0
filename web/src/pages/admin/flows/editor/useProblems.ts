/** What the server has against publishing the document of the moment; the same checks as publishing. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { FlowDocument } from "../document";
import { useFlows, type Problem } from "../useFlows";

const PAUSE_MS = 350;

export interface Checked {
  readonly problems: readonly Problem[];
  readonly state: "checking" | "known" | "away";
}

export function useProblems(document: FlowDocument): Checked {
  const flows = useFlows();
  const [wanted, setWanted] = useState(document);
  useEffect(() => {
    const timer = setTimeout(() => {
      setWanted(document);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [document]);
  const { data, error, isPlaceholderData, isFetching } = useQuery({
    queryKey: ["flow-problems", wanted],
    queryFn: () => flows.validate(wanted),
    placeholderData: keepPreviousData,
    staleTime: 5_000,
    gcTime: 10_000,
    retry: 1,
  });
  const busy = document !== wanted || isPlaceholderData || (isFetching && data === undefined);
  return { problems: data?.problems ?? [], state: error !== null ? "away" : busy ? "checking" : "known" };
}
