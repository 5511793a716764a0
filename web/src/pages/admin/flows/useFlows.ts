/** REST of flows. */
import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { useServices } from "../../../api/context";
import type { SessionStore } from "../../../api/session";
import type { Schemas } from "../../../live/types";
import { answerOf } from "../settings/useSettings";
import type { FlowDocument } from "./document";
import { readSchema } from "./schema";

export type Summary = Schemas["FlowSummary"];
export type Problem = Schemas["Problem"];
export type Problems = Schemas["Problems"];
export type Differences = Schemas["FlowDifferences"];
export type Version = Schemas["VersionItem"];
export type HeatMap = Schemas["HeatMap"];
export type NodeHeat = Schemas["NodeHeatItem"];
export type Recording = Schemas["PlayedRecording"];

/** The files that can be uploaded as recordings. */
export const SOUND_FILES = "audio/wav,audio/flac,audio/ogg,audio/mpeg,.wav,.flac,.ogg,.opus,.mp3";

/** A flow as it is kept, and the revision that a change of it starts from. */
export interface Kept {
  readonly document: FlowDocument;
  readonly draft: boolean;
  readonly version: number | null;
  readonly revision: string;
}

/** How long what was asked for before its page was there is as good as new. */
const EARLY_MS = 10_000;

function flowsOf(session: SessionStore) {
  const json = { "Content-Type": "application/json" };
  const match = (revision: string | null): Record<string, string> =>
    revision === null ? { "If-None-Match": "*" } : { "If-Match": `"${revision}"` };
  const get = async <Data,>(path: string) => (await answerOf(session, path)).json() as Promise<Data>;
  const one = (name: string, below = "") => `flows/${encodeURIComponent(name)}${below}`;
  const post = async <Data,>(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await answerOf(session, path, { method: "POST", body: JSON.stringify(body), headers: { ...json, ...headers } });
    return answer.json() as Promise<Data>;
  };
  const kept = async (answer: Response): Promise<Kept> => ({
    ...((await answer.json()) as Omit<Kept, "revision">),
    revision: (answer.headers.get("ETag") ?? "").replaceAll('"', ""),
  });
  return {
    list: async () => (await get<Schemas["FlowList"]>("flows")).items,
    schema: async () => readSchema(await get("flow-schema")),
    /** What is wrong with it is asked for apart: it may take longer than all the rest of opening it. */
    one: async (name: string) => kept(await answerOf(session, one(name, "?check=false"))),
    /** Without a revision it has to be new. */
    save: async (name: string, document: FlowDocument, revision: string | null) =>
      kept(await answerOf(session, one(name), { method: "PUT", body: JSON.stringify({ document }), headers: { ...json, ...match(revision) } })),
    validate: (document: FlowDocument) => post<Problems>("flows/validate", document),
    /** A text as it stands in a file: the server tells YAML and JSON apart. */
    validateText: async (text: string) => (await answerOf(session, "flows/validate", textual(text))).json() as Promise<Problems>,
    /** In place of the flow of that revision; without one it has to be new. */
    importText: async (text: string, revision: string | null) =>
      (await answerOf(session, "flows/import", textual(text, match(revision)))).json() as Promise<{ id: string }>,
    names: () => get<Schemas["Names"]>("flow-names"),
    exported: async (name: string, version: string) =>
      (await answerOf(session, one(name, `/export?version=${version}`))).blob(),
    differences: (name: string, from: string, to: string) => get<Differences>(one(name, `/differences?from=${from}&to=${to}`)),
    versions: async (name: string) => (await get<Schemas["VersionList"]>(one(name, "/versions"))).items,
    version: (name: string, number: number) => get<Schemas["VersionDetail"]>(one(name, `/versions/${String(number)}`)),
    publish: (name: string, note: string, revision: string) => post<Schemas["PublishedItem"]>(one(name, "/publish"), { note }, match(revision)),
    rollBack: (name: string, version: number) => post<Schemas["PublishedItem"]>(one(name, "/roll-back"), { version }),
    heat: (name: string, version: number | null, hours: number) => {
      const from = new Date(Date.now() - hours * 3_600_000).toISOString();
      return get<HeatMap>(one(name, `/heat?from=${from}${version === null ? "" : `&version=${String(version)}`}`));
    },
    recordings: async (name: string) => (await get<Schemas["RecordingList"]>(one(name, "/recordings"))).items,
    upload: async (name: string, recording: string, language: string, file: File) => {
      const ask = { method: "PUT", body: file, headers: { "Content-Type": file.type === "" ? "audio/wav" : file.type } };
      return (await answerOf(session, one(name, `/recordings/${recording}/${language}`), ask)).json() as Promise<Schemas["RecordingItem"]>;
    },
    recording: async (name: string, recording: string, language: string) =>
      (await answerOf(session, one(name, `/recordings/${recording}/${language}`))).blob(),
    dropRecording: async (name: string, recording: string, language: string) => {
      await answerOf(session, one(name, `/recordings/${recording}/${language}`), { method: "DELETE" });
    },
    preview: async (wanted: { readonly flow: string; readonly language: string; readonly prompt: unknown; readonly variables: Readonly<Record<string, string>> }) =>
      (await answerOf(session, "flows/preview", { method: "POST", body: JSON.stringify(wanted), headers: json })).blob(),
  };
}

type Flows = ReturnType<typeof flowsOf>;

const textual = (text: string, headers: Readonly<Record<string, string>> = {}) => ({
  method: "POST",
  body: text,
  headers: { "Content-Type": "application/yaml", ...headers },
});

export function useFlows() {
  const { session } = useServices();
  return useMemo(() => flowsOf(session), [session]);
}

const schemaQuery = (flows: Flows) => ({ queryKey: ["flow-schema"], queryFn: flows.schema, staleTime: Infinity });
const flowQuery = (flows: Flows, name: string) => ({ queryKey: ["flow", name], queryFn: () => flows.one(name), staleTime: EARLY_MS, retry: false });

/** Ask for all that the page of a flow shows first. */
export function fetchEarly(session: SessionStore, queries: QueryClient, name: string): void {
  const flows = flowsOf(session);
  const told = () => undefined; // by the page, which asks for the same
  queries.query(schemaQuery(flows)).catch(told);
  queries.query(flowQuery(flows, name)).catch(told);
}

export function useFlowSchema() {
  return useQuery(schemaQuery(useFlows()));
}

/** A flow as it is kept now: forgotten when the page is left, so that who comes back edits what is there then. */
export function useKeptFlow(name: string) {
  const queries = useQueryClient();
  const flow = useQuery(flowQuery(useFlows(), name));
  useEffect(
    () => () => {
      queries.removeQueries({ queryKey: ["flow", name], exact: true });
    },
    [queries, name],
  );
  return flow;
}

export function useFlowList(enabled = true) {
  const flows = useFlows();
  return useQuery({ queryKey: ["flows"], queryFn: flows.list, staleTime: 0, enabled });
}

/** Let the browser save a file. */
export function download(file: Blob, name: string): void {
  const link = window.document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
