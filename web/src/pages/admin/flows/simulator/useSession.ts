import { useCallback, useEffect, useRef, useState } from "react";
import { useApi } from "../../../../api/context";
import { unwrap } from "../../../../api/problem";
import { type Act, type FlowDocument, type Setting, type State, wantedOf, withAct } from "./session";

export interface Session {
  readonly acts: readonly Act[];
  /** Where it is; null before its first answer. */
  readonly state: State | null;
  readonly error: Error | null;
  readonly busy: boolean;
  readonly begun: boolean;
  /** The flow or its surroundings are others than those that were played last. */
  readonly stale: boolean;
  readonly begin: () => void;
  readonly act: (...acts: readonly Act[]) => void;
  /** Play the same acts in what the flow is now. */
  readonly again: () => void;
  readonly trial: () => Promise<Blob>;
}

interface Played {
  readonly acts: readonly Act[];
  readonly state: State;
  readonly document: FlowDocument;
  readonly setting: Setting;
}

/** A session is its acts: each one more is played with all before it, and the server keeps nothing. */
export function useSession(document: FlowDocument, setting: Setting): Session {
  const api = useApi();
  const [played, setPlayed] = useState<Played | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const asked = useRef<AbortController | null>(null);
  useEffect(
    () => () => {
      asked.current?.abort();
    },
    [],
  );
  const play = useCallback(
    (acts: readonly Act[], known: State | null) => {
      asked.current?.abort();
      const asking = new AbortController();
      asked.current = asking;
      setBusy(true);
      setError(null);
      const body = wantedOf(document, setting, acts, known);
      unwrap(api.POST("/api/v1/flows/simulate", { body, signal: asking.signal }))
        .then(
          (state) => {
            setPlayed({ acts, state, document, setting });
          },
          (why: unknown) => {
            if (!asking.signal.aborted) {
              setError(why instanceof Error ? why : new Error(String(why)));
            }
          },
        )
        .finally(() => {
          if (asked.current === asking) {
            setBusy(false);
          }
        });
    },
    [api, document, setting],
  );
  const acts = played?.acts ?? [];
  const state = played?.state ?? null;
  return {
    acts,
    state,
    error,
    busy,
    begun: played !== null,
    stale: played !== null && (played.document !== document || played.setting !== setting),
    begin: () => {
      setPlayed(null);
      play([], null);
    },
    act: (...more) => {
      if (state !== null && state.outcome === null) {
        play(more.reduce(withAct, acts), state);
      }
    },
    again: () => {
      play(acts, null);
    },
    trial: async () =>
      unwrap(
        api.POST("/api/v1/flows/simulate/trial", {
          body: wantedOf(document, setting, acts, state),
          parseAs: "blob",
        }),
      ),
  };
}

