import { useMe } from "../api/context";
import { hasRole } from "../api/session";
import { useLive } from "../live/context";
import { useListeningSeat } from "./context";

/** The seat whose phone is one's own: where one is signed in, else that by which a supervisor listens while no agent is there. */
export function useOwnSeat(): string | null {
  const me = useMe();
  const [listening] = useListeningSeat();
  const signedIn = useLive((state) => state.view.rows.agents.get(me.agent ?? "")?.seat ?? null);
  const taken = useLive((state) => [...state.view.rows.agents.values()].some((agent) => agent.seat === listening));
  return signedIn ?? (hasRole(me, "supervisor") && listening !== "" && !taken ? listening : null);
}
