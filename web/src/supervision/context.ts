/** A supervisor's part in calls of others: what he does now, and his orders. */
import { createContext, useContext } from "react";
import type { Call } from "../live/types";

export type Supervising = "monitor" | "whisper" | "barge";

export interface Supervision {
  /** The seat whose phone he listens by; null: he has to choose one. */
  readonly seat: string | null;
  /** What he ordered last, as long as that talk lasts. */
  readonly part: { readonly call: Call; readonly what: Supervising } | null;
  readonly pending: boolean;
  readonly order: (call: Call, what: Supervising | "take-over") => void;
  readonly leave: () => void;
}

export const SupervisionContext = createContext<Supervision | null>(null);

export function useSupervision(): Supervision {
  const supervision = useContext(SupervisionContext);
  if (supervision === null) {
    throw new Error("useSupervision outside of a SupervisionProvider");
  }
  return supervision;
}

/** Whether there is an agent's talk to listen to. */
export function canBeHeard(call: Call): boolean {
  return call.agent !== null && (call.stage === "talking" || call.stage === "held");
}
