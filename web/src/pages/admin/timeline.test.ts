import { describe, expect, it } from "vitest";
import type { Schemas } from "../../live/types";
import { recorded, timeline } from "./timeline";

const BEGIN = Date.parse("2026-01-05T09:00:00Z");

function told(...facts: readonly [number, string, Record<string, unknown>?][]): Schemas["ContactEvent"][] {
  return facts.map(([second, type, data], place) => ({
    id: String(place),
    at: new Date(BEGIN + second * 1_000).toISOString(),
    type,
    data: data ?? {},
  }));
}

function seconds(parts: ReturnType<typeof timeline>): [string, number, number][] {
  return parts.map(({ phase, from, to }) => [phase, (from - BEGIN) / 1_000, (to - BEGIN) / 1_000]);
}

const NOW = BEGIN + 1_000_000;

describe("the band of a contact", () => {
  it("shows what he went through", () => {
    const events = told(
      [0, "ContactArrived"],
      [0, "FlowEntered"],
      [5, "FlowLeft"],
      [5, "Queued"],
      [7, "Offered"],
      [12, "OfferEnded", { end: "no_answer" }],
      [14, "Offered"],
      [16, "OfferEnded", { end: "answered" }],
      [16, "QueueLeft"],
      [16, "Established"],
      [30, "Held"],
      [35, "Retrieved"],
      [60, "TalkEnded"],
      [60, "ContactEnded"],
      [70, "WrapUpEnded"],
    );
    expect(seconds(timeline(events, NOW))).toEqual([
      ["flow", 0, 5],
      ["queue", 5, 7],
      ["ring", 7, 12],
      ["queue", 12, 14],
      ["ring", 14, 16],
      ["talk", 16, 30],
      ["hold", 30, 35],
      ["talk", 35, 60],
      ["wrap", 60, 70],
    ]);
  });

  it("goes on until now while the contact does, and not after its end", () => {
    expect(seconds(timeline(told([0, "Queued"]), BEGIN + 9_000))).toEqual([["queue", 0, 9]]);
    expect(seconds(timeline(told([0, "Queued"], [4, "ContactEnded"]), NOW))).toEqual([["queue", 0, 4]]);
    expect(timeline(told([0, "Established"], [4, "TalkEnded"], [4, "ContactEnded"]), NOW).at(-1)?.phase).toBe("talk");
  });

  it("is empty for a contact of which nothing is known", () => {
    expect(timeline([], NOW)).toEqual([]);
    expect(recorded([], NOW)).toEqual([]);
  });

  it("shows when it was recorded, each recording for itself", () => {
    const events = told(
      [1, "RecordingStarted", { recording: "a" }],
      [2, "RecordingStarted", { recording: "b" }],
      [5, "RecordingEnded", { recording: "a" }],
      [6, "RecordingEnded", { recording: "unknown" }],
    );
    expect(seconds(recorded(events, BEGIN + 9_000))).toEqual([
      ["recording", 1, 5],
      ["recording", 2, 9],
    ]);
  });
});
