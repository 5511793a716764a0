/** One mystery call's figures: as they were heard, and as they were recorded. */
import type { Schemas } from "../../live/types";

type Call = Schemas["MysteryCallItem"];

export type Figure = "connect" | "key" | "query" | "wait" | "packets";

/** Heard and recorded, seconds or packets; of several times of one kind the longest. */
export function beside(call: Call, figure: Figure): readonly [number | null, number | null] {
  const recorded = call.recorded;
  switch (figure) {
    case "connect":
      return [call.connect_seconds, recorded?.connect_seconds ?? null];
    case "key":
      return [longest(call.key_seconds), longest(recorded?.key_seconds ?? [])];
    case "query":
      return [longest(call.query_seconds), longest(recorded?.query_seconds ?? [])];
    case "wait":
      return [call.agent_wait_seconds, recorded?.agent_wait_seconds ?? null];
    case "packets":
      return [call.packets_received + call.packets_lost, recorded?.packets_sent ?? null];
  }
}

export function differs(call: Call, figure: Figure): boolean {
  return call.recorded?.differences.includes(figure) ?? false;
}

function longest(seconds: readonly number[]): number | null {
  return seconds.length === 0 ? null : Math.max(...seconds);
}

/** What speech was worth (PESQ, P.862) and how long it took (seconds), to the caller and to the agent. */
export function speech(call: Call): readonly (readonly [direction: "toCaller" | "toAgent" | "prompt", pesq: number | null, seconds: number | null])[] {
  const ways = [
    ...call.prompt_pesq.map((pesq) => ["prompt", pesq, null] as const),
    ["toCaller", call.to_caller_pesq, call.to_caller_seconds] as const,
    ["toAgent", call.to_agent_pesq, call.to_agent_seconds] as const,
  ];
  return ways.filter(([, pesq, seconds]) => pesq !== null || seconds !== null);
}
