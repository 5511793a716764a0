/** Whether the network carries a call's sound: what the checks say that a browser sends all the time (RFC 7675). */

export interface Checks {
  readonly sent: number;
  readonly answered: number;
}

/** One may be under way. Every 2.5 s one is sent, more often when nothing arrives. */
const UNANSWERED = 2;

/** Of one connection; sound that is lost in one direction only leaves checks unanswered as well. */
export class Path {
  private answered = 0;
  private sentThen = 0;

  /** Whether it is cut, by what was counted until now; null: nothing was yet. */
  cut(state: RTCIceConnectionState, checks: Checks | null): boolean {
    if (checks !== null && checks.answered !== this.answered) {
      this.answered = checks.answered;
      this.sentThen = checks.sent;
    }
    const connected = state === "connected" || state === "completed";
    return !connected || (checks !== null && checks.sent - this.sentThen >= UNANSWERED);
  }
}
