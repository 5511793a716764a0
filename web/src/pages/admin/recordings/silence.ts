/** Where nobody speaks in a recording, by its shape. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Of 255; quieter than this (−36 dB of full scale) is silence. */
export const QUIET = 4;
/** Seconds; a shorter pause belongs to the talk. */
export const LONG = 2;
/** Seconds of silence that stay before the next word. */
const LEAD = 0.3;

export function silences(left: readonly number[], right: readonly number[], seconds: number): Span[] {
  const found: Span[] = [];
  const one = seconds / Math.max(left.length, 1);
  let begin: number | null = null;
  for (let index = 0; index <= left.length; index += 1) {
    const quiet = index < left.length && (left[index] ?? 0) <= QUIET && (right[index] ?? 0) <= QUIET;
    if (quiet) {
      begin ??= index;
    } else if (begin !== null) {
      if ((index - begin) * one >= LONG) {
        found.push({ from: begin * one, to: index * one });
      }
      begin = null;
    }
  }
  return found;
}

/** Where to go on from a moment in silence; null: there is something to hear. */
export function afterSilence(spans: readonly Span[], at: number): number | null {
  const span = spans.find(({ from, to }) => at >= from && at < to - LEAD);
  return span === undefined ? null : span.to - LEAD;
}
