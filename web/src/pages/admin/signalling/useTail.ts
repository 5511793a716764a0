import { useEffect, useState } from "react";
import { useApi } from "../../../api/context";
import { ApiError, unwrap } from "../../../api/problem";
import type { SignallingFilters } from "./filters";
import type { Message } from "./ladder";

/** Messages kept on the page: what is above goes at the far end. */
const KEPT = 500;
/** How long the server may keep an answer back, seconds. */
const WAIT_SECONDS = 20;
const RETRY_MS = 2_000;

export interface Tail {
  /** Newest first. */
  readonly items: readonly Message[];
  readonly error: ApiError | null;
}

interface Followed extends Tail {
  readonly of: string;
}

const NOTHING_YET: Tail = { items: [], error: null };

/** What passes from number `after` on, while it is `live`; a pause keeps what came. Each answer is asked for when the
 * one before has come, and the server answers when there is something. */
export function useTail(filters: SignallingFilters, live: boolean, after: number | undefined): Tail {
  const api = useApi();
  const of = JSON.stringify([filters, after]);
  const [followed, setFollowed] = useState<Followed>({ of, ...NOTHING_YET });
  useEffect(() => {
    if (!live || after === undefined) {
      return;
    }
    const stop = new AbortController();
    const stopped = () => stop.signal.aborted;
    const add = (fresh: readonly Message[], error: ApiError | null) => {
      setFollowed((known) => ({ of, error, items: [...fresh, ...(known.of === of ? known.items : [])].slice(0, KEPT) }));
    };
    const follow = async () => {
      let last = after;
      while (!stopped()) {
        try {
          const query = { ...filters, after: last, wait_seconds: WAIT_SECONDS };
          const news = await unwrap(api.GET("/api/v1/signalling/tail", { params: { query }, signal: stop.signal }));
          last = news.last;
          add([...news.items].reverse(), null);
        } catch (error) {
          if (stopped()) {
            return;
          }
          add([], error instanceof ApiError ? error : null);
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    };
    void follow();
    return () => {
      stop.abort();
    };
  }, [api, filters, live, after, of]);
  return followed.of === of ? followed : NOTHING_YET;
}
