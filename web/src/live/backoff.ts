const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/**
 * Pause before attempt number `attempt` (0 is the first): doubles up to half a minute. Between half and the whole of
 * it is drawn, so that a thousand pages do not come back in the same instant. `random` gives 0 ≤ x < 1.
 */
export function pauseBefore(attempt: number, random: () => number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(whole / 2 + (whole / 2) * random());
}
