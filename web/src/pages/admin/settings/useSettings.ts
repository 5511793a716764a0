/** REST of kinds of settings: all kinds have the same routes, so one set of calls is enough. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useServices } from "../../../api/context";
import { ApiError, problemOf } from "../../../api/problem";
import type { SessionStore } from "../../../api/session";
import { usePages, type From } from "../../../api/usePages";
import type { Schemas } from "../../../live/types";
import type { Sort } from "../../../ui/LiveTable";
import type { Item, Row } from "./kind";

export interface Listed {
  readonly items: readonly Row[];
  readonly revisions: Readonly<Record<string, string>>;
}
interface Page extends Listed {
  readonly total: number;
  readonly next_cursor: string | null;
}
export type Plan = Schemas["SheetPlan"];
export type Change = Schemas["ChangeItem"];

interface Ask {
  readonly method?: string;
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Rows that are asked for at once. */
const PAGE = 200;

export async function answerOf(session: SessionStore, path: string, ask: Ask = {}): Promise<Response> {
  const headers = { ...ask.headers, Authorization: `Bearer ${session.read().token ?? ""}` };
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, { ...ask, headers });
  } catch (error) {
    throw new ApiError(0, "offline", error instanceof Error ? error.message : "no answer");
  }
  if (response.status === 401) {
    session.end("expired");
  }
  if (!response.ok) {
    throw problemOf(response.status, await response.json().catch(() => null));
  }
  return response;
}

function settingsOf(session: SessionStore) {
  const json = async <Data,>(path: string, ask?: Ask) => (await answerOf(session, path, ask)).json() as Promise<Data>;
  const one = (path: string, id: string) => `${path}/${encodeURIComponent(id)}`;
  const match = (revision: string | null): Record<string, string> =>
    revision === null ? { "If-None-Match": "*" } : { "If-Match": `"${revision}"` };
  return {
    list: (path: string) => json<Listed>(path),
    page: (path: string, search: string, sort: Sort | null, from: From) => {
      const query = new URLSearchParams({ limit: String(PAGE), search, ...from });
      if (sort !== null) {
        query.set("sort", `${sort.down ? "-" : ""}${sort.key}`);
      }
      return json<Page>(`${path}?${query.toString()}`);
    },
    /** One item, as a list of its own. */
    one: async (path: string, id: string): Promise<Listed> => {
      const answer = await answerOf(session, one(path, id));
      const item = (await answer.json()) as Row;
      return { items: [item], revisions: { [item.id]: (answer.headers.get("ETag") ?? "").replaceAll('"', "") } };
    },
    /** Without a revision it has to be new. */
    save: (path: string, id: string, document: Item, revision: string | null) =>
      json<Row>(one(path, id), {
        method: "PUT",
        body: JSON.stringify(document),
        headers: { "Content-Type": "application/json", ...match(revision) },
      }),
    remove: (path: string, id: string, revision: string | null) =>
      json<unknown>(one(path, id), { method: "DELETE", headers: revision === null ? {} : match(revision) }),
    users: (path: string, id: string) => json<Schemas["Needs"]>(`${one(path, id)}/users`),
    history: (path: string, id: string) => json<Schemas["History"]>(`${one(path, id)}/history`),
    sheet: async (path: string) => (await answerOf(session, `${path}.csv`)).blob(),
    exchange: (path: string, file: File, plan: string | null) =>
      json<Plan>(`${path}.csv${plan === null ? "" : `?plan=${encodeURIComponent(plan)}`}`, {
        method: "POST",
        body: file, // as it is: the server knows the encodings of spreadsheets
        headers: { "Content-Type": "text/csv" },
      }),
  };
}

export function useSettings() {
  const { session } = useServices();
  return useMemo(() => settingsOf(session), [session]);
}

export function useListed(path: string, enabled = true) {
  const settings = useSettings();
  return useQuery({ queryKey: ["settings", path], queryFn: () => settings.list(path), enabled });
}

/** A list of any length: searched and sorted by the server, page after page. */
export function useRows(path: string, search: string, sort: Sort | null) {
  const settings = useSettings();
  return usePages(
    ["settings", path, "pages", search, sort],
    (from) => settings.page(path, search, sort, from),
    { placeholderData: keepPreviousData },
  );
}

/** An item that no page showed yet. */
export function useOne(path: string, id: string, enabled: boolean) {
  const settings = useSettings();
  return useQuery({ queryKey: ["settings", path, "one", id], queryFn: () => settings.one(path, id), enabled, retry: false });
}

export interface Wanted {
  readonly id: string;
  readonly document: Item;
  readonly revision: string | null;
}

/** Changes of one kind; the lists that show it are read again. */
export function useChanges(path: string) {
  const settings = useSettings();
  const queries = useQueryClient();
  const onSuccess = () => {
    // Not waited for: the form closes at once, and the list follows.
    void queries.invalidateQueries({ queryKey: ["settings", path] });
    void queries.invalidateQueries({ queryKey: ["history", path] });
  };
  const save = useMutation({
    mutationFn: ({ id, document, revision }: Wanted) => settings.save(path, id, document, revision),
    onSuccess,
  });
  const remove = useMutation({
    mutationFn: ({ id, revision }: { readonly id: string; readonly revision: string | null }) => settings.remove(path, id, revision),
    onSuccess,
  });
  const exchange = useMutation({
    mutationFn: ({ file, plan }: { readonly file: File; readonly plan: string | null }) => settings.exchange(path, file, plan),
    onSuccess: (done) => {
      if (done.applied) {
        onSuccess();
      }
    },
  });
  return { save, remove, exchange };
}
