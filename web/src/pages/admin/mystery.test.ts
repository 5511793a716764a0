import { describe, expect, it } from "vitest";
import type { Schemas } from "../../live/types";
import { beside, differs } from "./mystery";

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
  recorded: {
    contact: "c",
    connect_seconds: 0.41,
    key_seconds: [0.03, 0.05, 0.2],
    query_seconds: [],
    packets_sent: 502,
    total_seconds: 10,
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
});
