/** How good a call sounds, from what WebRTC counts: the E-model of ITU-T G.107 in short, in four bars. */
import type { Checks } from "./path";

export interface Counts {
  readonly received: number;
  readonly lost: number;
  readonly jitterMs: number;
  /** Of RTCP, or of the connectivity checks; null before the first. */
  readonly roundTripMs: number | null;
}

export interface Quality {
  /** 4 good, 3 fair, 2 poor, 1 bad, 0: nothing arrives. */
  readonly bars: 0 | 1 | 2 | 3 | 4;
  readonly lossPercent: number;
  readonly jitterMs: number;
  readonly roundTripMs: number | null;
}

/** Coding, packets and the buffers of both sides, ms. */
const FIXED_DELAY_MS = 60;
/** Robustness of G.711 with concealment to loss (ITU-T G.113 Appendix I). */
const BPL = 25.1;

/** The quality between two readings; `since` null: since the beginning. */
export function qualityBetween(since: Counts | null, now: Counts): Quality {
  const received = Math.max(0, now.received - (since?.received ?? 0));
  const lost = Math.max(0, now.lost - (since?.lost ?? 0));
  const lossPercent = received + lost === 0 ? 0 : (100 * lost) / (received + lost);
  const { jitterMs, roundTripMs } = now;
  return { bars: received === 0 ? 0 : barsOf(lossPercent, jitterMs, roundTripMs ?? 0), lossPercent, jitterMs, roundTripMs };
}

/** Categories of ITU-T G.109: users satisfied, some not, many not, nearly all not. */
function barsOf(lossPercent: number, jitterMs: number, roundTripMs: number): 1 | 2 | 3 | 4 {
  const delay = FIXED_DELAY_MS + roundTripMs / 2 + 2 * jitterMs;
  const late = 0.024 * delay + 0.11 * Math.max(0, delay - 177.3);
  const lossy = (95 * lossPercent) / (lossPercent + BPL);
  const rating = 93.2 - late - lossy;
  return rating >= 80 ? 4 : rating >= 70 ? 3 : rating >= 60 ? 2 : 1;
}

export interface Statistics {
  /** Null while no audio stream is known. */
  readonly counts: Counts | null;
  /** Of the pair of addresses in use; null while there is none. */
  readonly checks: Checks | null;
}

/** What a connection counted so far (W3C webrtc-stats). */
export async function statisticsOf(connection: RTCPeerConnection): Promise<Statistics> {
  const rows: Record<string, unknown>[] = [];
  (await connection.getStats()).forEach((row: Record<string, unknown>) => rows.push(row));
  const audio = rows.find((row) => row.type === "inbound-rtp" && row.kind === "audio");
  const remote = rows.find((row) => row.type === "remote-inbound-rtp");
  const pair = rows.find((row) => row.type === "candidate-pair" && row.nominated === true);
  const roundTrip = remote?.roundTripTime ?? pair?.currentRoundTripTime;
  return {
    counts:
      audio === undefined
        ? null
        : {
            received: Number(audio.packetsReceived ?? 0),
            lost: Number(audio.packetsLost ?? 0),
            jitterMs: 1_000 * Number(audio.jitter ?? 0),
            roundTripMs: roundTrip === undefined ? null : 1_000 * Number(roundTrip),
          },
    checks: pair === undefined ? null : { sent: Number(pair.requestsSent ?? 0), answered: Number(pair.responsesReceived ?? 0) },
  };
}
