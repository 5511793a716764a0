import { createContext, useContext, useMemo, useSyncExternalStore } from "react";
import type { LiveState, LiveStore } from "./store";
import type { Call, Agent } from "./types";
import type { Ticker } from "./ticker";

export interface Live {
  readonly store: LiveStore;
  readonly ticker: Ticker;
  /** Skip the countdown of a lost connection. */
  readonly tryNow: () => void;
}

export const LiveContext = createContext<Live | null>(null);

export function useLiveContext(): Live {
  const live = useContext(LiveContext);
  if (live === null) {
    throw new Error("useLive outside of a LiveProvider");
  }
  return live;
}

/** A slice of the live state; `select` must return parts of it, not new objects. */
export function useLive<Slice>(select: (state: LiveState) => Slice): Slice {
  const { store } = useLiveContext();
  return useSyncExternalStore(store.subscribe, () => select(store.read()));
}

/** Whether a first snapshot came. */
export function useHasView(): boolean {
  return useLive((state) => state.view.epoch !== null);
}

/** Whether the figures on the page are not live: the connection or the server's real-time side is lost. */
export function useStale(): boolean {
  return useLive((state) => isStale(state));
}

export function isStale(state: LiveState): boolean {
  return state.view.epoch !== null && (state.stream.phase !== "live" || !state.view.linked);
}

/** The server's time in ms, each second; stands still while the figures do. */
export function useNow(): number {
  const { ticker } = useLiveContext();
  const running = useSyncExternalStore(ticker.subscribe, ticker.read);
  const stoodStill = useLive((state) => (isStale(state) ? state.heardAt : null));
  return stoodStill === null ? running : Math.min(running, stoodStill);
}

/** The server's time in ms, each second, whatever the connection does. */
export function useRunningNow(): number {
  const { ticker } = useLiveContext();
  return useSyncExternalStore(ticker.subscribe, ticker.read);
}

/** Calls by the contact they belong to. */
export function useCallsByContact(): ReadonlyMap<string, Call> {
  const calls = useLive((state) => state.view.rows.calls);
  return useMemo(() => new Map([...calls.values()].map((call) => [call.contact, call])), [calls]);
}

export function useAgents(): readonly Agent[] {
  const agents = useLive((state) => state.view.rows.agents);
  return useMemo(() => [...agents.values()], [agents]);
}
