import { describe, expect, it } from "vitest";
import type { Schemas } from "../../live/types";
import { beside, differs, speech } from "./mystery";

const CALL: Schemas["MysteryCallItem"] = {
  id: "1",
  at: "2026-01-05T09:00:00Z",
  number: "95000",
  fate: "completed",
  status: 0,
  failed_at: "",
  loopback: true,
  ordered_by: "",
  connect_seconds: 0.04,
  key_seconds: [0.03, 0.05],
  query_seconds: [],
  packets_received: 500,
  packets_lost: 2,
  lasted_seconds: 10,
  prompt_pesq: [],
  for_agent: false,
  agent_wait_seconds: null,
  seat: "",
  staffed: null,
  network: "",
  to_caller_seconds: null,
  to_caller_pesq: null,
  to_agent_seconds: null,
  to_agent_pesq: null,
  recorded: {
    contact: "c",
    connect_seconds: 0.41,
    key_seconds: [0.03, 0.05, 0.2],
    query_seconds: [],
    packets_sent: 502,
    total_seconds: 10,
    agent_wait_seconds: null,
    differences: ["connect"],
  },
};

describe("a mystery call", () => {
  it("shows what was heard beside what was recorded", () => {
    expect(beside(CALL, "connect")).toEqual([0.04, 0.41]);
    expect(beside(CALL, "key")).toEqual([0.05, 0.2]);
    expect(beside(CALL, "query")).toEqual([null, null]);
    expect(beside(CALL, "packets")).toEqual([502, 502]);
    expect([differs(CALL, "connect"), differs(CALL, "packets")]).toEqual([true, false]);
  });

  it("shows what was heard alone when nothing was compared", () => {
    const alone = { ...CALL, recorded: null };
    expect(beside(alone, "connect")).toEqual([0.04, null]);
    expect(differs(alone, "connect")).toBe(false);
  });

  it("shows the wait for an agent and speech both ways", () => {
    const talk = {
      ...CALL,
      for_agent: true,
      agent_wait_seconds: 2.5,
      prompt_pesq: [4.1],
      to_caller_seconds: 0.09,
      to_caller_pesq: 3.9,
      to_agent_seconds: 0.08,
    };
    expect(beside(talk, "wait")).toEqual([2.5, null]);
    expect(speech(talk)).toEqual([
      ["prompt", 4.1, null],
      ["toCaller", 3.9, 0.09],
      ["toAgent", null, 0.08],
    ]);
    expect(speech(CALL)).toEqual([]);
  });
});
