import { describe, expect, it } from "vitest";
import { qualityBetween, statisticsOf, type Counts } from "./quality";

const counts = (more: Partial<Counts> = {}): Counts => ({ received: 100, lost: 0, jitterMs: 2, roundTripMs: 20, ...more });

describe("the quality of a call", () => {
  it.each([
    [{}, 4],
    [{ lost: 2 }, 4],
    [{ lost: 6 }, 3],
    [{ received: 90, lost: 10 }, 2],
    [{ received: 70, lost: 30 }, 1],
    [{ roundTripMs: 500 }, 3],
    [{ roundTripMs: 900 }, 1],
    [{ jitterMs: 150 }, 2],
    [{ received: 0 }, 0],
  ] as const)("of %o has %d bars", (more, bars) => {
    expect(qualityBetween(null, counts(more)).bars).toBe(bars);
  });

  it("is that of the time since the last look, not of the whole call", () => {
    const before = counts({ received: 1_000, lost: 300 });
    expect(qualityBetween(before, counts({ received: 1_100, lost: 300 }))).toMatchObject({ bars: 4, lossPercent: 0 });
    expect(qualityBetween(before, counts({ received: 1_000, lost: 300 })).bars).toBe(0);
  });

  it("is read from what the browser counts, the round trip from the path before RTCP has one", async () => {
    const rows = [
      { type: "inbound-rtp", kind: "audio", packetsReceived: 50, packetsLost: 1, jitter: 0.003 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.02, requestsSent: 7, responsesReceived: 6 },
    ];
    const connection = { getStats: () => Promise.resolve(new Map(rows.entries())) } as unknown as RTCPeerConnection;
    expect(await statisticsOf(connection)).toEqual({
      counts: { received: 50, lost: 1, jitterMs: 3, roundTripMs: 20 },
      checks: { sent: 7, answered: 6 },
    });
    rows.push({ type: "remote-inbound-rtp", roundTripTime: 0.05 } as never);
    const later = { getStats: () => Promise.resolve(new Map(rows.entries())) } as unknown as RTCPeerConnection;
    expect((await statisticsOf(later)).counts).toMatchObject({ roundTripMs: 50 });
    const silent = { getStats: () => Promise.resolve(new Map()) } as unknown as RTCPeerConnection;
    expect(await statisticsOf(silent)).toEqual({ counts: null, checks: null });
  });
});
