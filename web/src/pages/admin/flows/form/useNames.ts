/** What there is of the things that a text of a flow may name. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useListed } from "../../settings/useSettings";
import { useFlowList, useFlows } from "../useFlows";
import { useForm } from "./context";

const LISTS: Readonly<Record<string, string>> = {
  queue: "configuration/queues",
  calendar: "configuration/calendars",
  agent: "configuration/agents",
};
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "*", "#", "A", "B", "C", "D"];

export interface Option {
  readonly value: string;
  readonly label: string;
}

const same = (names: readonly string[]): readonly Option[] => names.map((value) => ({ value, label: value }));

/** Options for a format of the schema; empty where these pages know none, so that any text may be written. */
export function useNames(format: string): readonly Option[] {
  const { variables, flow } = useForm();
  const flows = useFlows();
  const path = LISTS[format];
  const listed = useListed(path ?? "", path !== undefined);
  const others = useFlowList(format === "flow");
  const recordings = useQuery({
    queryKey: ["flow-recordings", flow],
    queryFn: () => flows.recordings(flow),
    enabled: format === "recording",
  });
  return useMemo(() => {
    switch (format) {
      case "variable":
        return same(variables);
      case "key":
        return same(KEYS);
      case "flow":
        return (others.data ?? []).map(({ id, title }) => ({ value: id, label: title === "" ? id : `${id} · ${title}` }));
      case "recording":
        return same([...new Set((recordings.data ?? []).map(({ name }) => name))]);
      default:
        return (listed.data?.items ?? []).map(({ id, name }) => ({
          value: id,
          label: typeof name === "string" && name !== "" && name !== id ? `${id} · ${name}` : id,
        }));
    }
  }, [format, variables, others.data, recordings.data, listed.data]);
}
