/** When a wait is worth looking at. */
import type { Queue } from "../live/types";

export type Level = "calm" | "warn" | "bad";

/** R10.3.2.d: a caller waits for an agent a minute at most. */
const WAIT_LIMIT_SECONDS = 60;

export interface WaitThresholds {
  readonly warn: number;
  readonly bad: number;
}

/** Amber from the queue's own target on, red from the clause's minute on. */
export function waitThresholds(queue: Queue): WaitThresholds {
  const warn = queue.service_level.target_seconds;
  return { warn, bad: warn < WAIT_LIMIT_SECONDS ? WAIT_LIMIT_SECONDS : warn * 3 };
}

export function waitLevel(seconds: number, { warn, bad }: WaitThresholds): Level {
  return seconds >= bad ? "bad" : seconds >= warn ? "warn" : "calm";
}

/** Missing the target is worth looking at; missing it by more than a fifth is bad. */
export function serviceLevel(queue: Queue): Level {
  const { value, target_share: target } = queue.service_level;
  if (value === null || value >= target) {
    return "calm";
  }
  return value < target * 0.8 ? "bad" : "warn";
}

/** Shapes beside the colours. */
export const LEVEL_MARK: Record<Level, string> = { calm: "", warn: "▲", bad: "■" };
