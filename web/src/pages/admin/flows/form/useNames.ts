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
/** What only flows name, in the server's answer to what nodes may name. */
const NAMED: Readonly<Record<string, "trunks" | "queries" | "bots">> = { trunk: "trunks", query: "queries", bot: "bots" };
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "*", "#", "A", "B", "C", "D"];

export interface Option {
  readonly value: string;
  readonly label: string;
}

export interface Names {
  readonly options: readonly Option[];
  /** All there are: a name that is not among them means nothing. */
  readonly whole: boolean;
}

const same = (names: readonly string[]): readonly Option[] => names.map((value) => ({ value, label: value }));

/** Options for a format of the schema; empty where these pages know none, so that any text may be written. */
export function useNames(format: string): Names {
  const { variables, flow } = useForm();
  const flows = useFlows();
  const path = LISTS[format];
  const named = NAMED[format];
  const listed = useListed(path ?? "", path !== undefined);
  const others = useFlowList(format === "flow");
  const centre = useQuery({ queryKey: ["flow-names"], queryFn: flows.names, enabled: named !== undefined, staleTime: 30_000 });
  const recordings = useQuery({
    queryKey: ["flow-recordings", flow],
    queryFn: () => flows.recordings(flow),
    enabled: format === "recording",
  });
  return useMemo(() => {
    if (named !== undefined) {
      return { options: same(centre.data?.[named] ?? []), whole: centre.data !== undefined };
    }
    switch (format) {
      case "variable":
        return { options: same(variables), whole: false };
      case "key":
        return { options: same(KEYS), whole: true };
      case "flow":
        return {
          options: (others.data ?? []).map(({ id, title }) => ({ value: id, label: title === "" ? id : `${id} · ${title}` })),
          whole: others.data !== undefined,
        };
      case "recording":
        return { options: same([...new Set((recordings.data ?? []).map(({ name }) => name))]), whole: recordings.data !== undefined };
      default:
        return {
          options: (listed.data?.items ?? []).map(({ id, name }) => ({
            value: id,
            label: typeof name === "string" && name !== "" && name !== id ? `${id} · ${name}` : id,
          })),
          whole: path !== undefined && listed.data !== undefined,
        };
    }
  }, [format, named, path, variables, centre.data, others.data, recordings.data, listed.data]);
}
