/**
 * Tells speech from silence by its level, and when an utterance begins and ends.
 *
 * The same rules as for calls: a voice of 0.25 s stops a prompt; a pause ends what is said. The level of the room is
 * learned from what is no voice.
 */

export const BARGE_IN_SECONDS = 0.25;
/** Longest utterance that is sent, seconds. */
export const LONGEST_SECONDS = 25;

const LEAST_LEVEL = 0.01;
const TIMES_THE_ROOM = 3;
/** Between two syllables it is silent for a moment. */
const GAP_SECONDS = 0.15;

export type Heard = "nothing" | "began" | "ended";

export class VoiceActivity {
  private room = LEAST_LEVEL / TIMES_THE_ROOM;
  private since: number | null = null;
  private loudAt: number | null = null;
  private speaking = false;

  /** When what is being said began; null while nobody speaks. */
  get begunAt(): number | null {
    return this.since;
  }

  /** Take the level (0 to 1) of now, in seconds; `pause` is what ends an utterance. */
  take(level: number, now: number, pause: number): Heard {
    const loud = level > Math.max(LEAST_LEVEL, this.room * TIMES_THE_ROOM);
    if (loud) {
      this.since ??= now;
      this.loudAt = now;
    } else {
      this.room += (level - this.room) * 0.05;
    }
    if (this.since === null || this.loudAt === null) {
      return "nothing";
    }
    if (!this.speaking) {
      if (now - this.loudAt > GAP_SECONDS) {
        this.since = null; // too short: a cough, a click
      } else if (now - this.since >= BARGE_IN_SECONDS) {
        this.speaking = true;
        return "began";
      }
      return "nothing";
    }
    if (now - this.loudAt >= pause || now - this.since >= LONGEST_SECONDS) {
      this.speaking = false;
      this.since = null;
      return "ended";
    }
    return "nothing";
  }
}
