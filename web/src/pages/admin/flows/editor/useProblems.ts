/** What the server has against publishing the document of the moment; the same checks as publishing. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import type { FlowDocument } from "../document";
import { useFlows, type Problem } from "../useFlows";

const PAUSE_MS = 350;

export interface Checked {
  readonly problems: readonly Problem[];
  readonly state: "checking" | "known" | "away";
}

export function useProblems(document: FlowDocument): Checked {
  const flows = useFlows();
  const page = useId();
  const [{ wanted, turn }, setWanted] = useState({ wanted: document, turn: 0 });
  useEffect(() => {
    const timer = setTimeout(() => {
      setWanted((before) => (before.wanted === document ? before : { wanted: document, turn: before.turn + 1 }));
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [document]);
  const { data, error, isPlaceholderData, isFetching } = useQuery({
    queryKey: ["flow-problems", page, turn], // the document itself would be written out at every drawing of the page
    queryFn: () => flows.validate(wanted),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 0,
    retry: 1,
  });
  const busy = document !== wanted || isPlaceholderData || (isFetching && data === undefined);
  return { problems: data?.problems ?? [], state: error !== null ? "away" : busy ? "checking" : "known" };
}
