/** Loudness over time of both sides of a recording: caller left, agent right. */
export interface Peaks {
  readonly caller: readonly number[];
  readonly agent: readonly number[];
}

const COLUMNS = 360;

/** Peaks of a WAV, 0–1; null when the browser cannot decode it (it may still play it). */
export async function peaksOf(blob: Blob): Promise<Peaks | null> {
  try {
    const audio = await new OfflineAudioContext(2, 1, 8_000).decodeAudioData(await blob.arrayBuffer());
    const left = columns(audio.getChannelData(0), COLUMNS);
    return { caller: left, agent: audio.numberOfChannels > 1 ? columns(audio.getChannelData(1), COLUMNS) : left };
  } catch {
    return null;
  }
}

export function columns(samples: Float32Array, count: number): number[] {
  const width = samples.length / count;
  return Array.from({ length: count }, (_, column) => {
    let peak = 0;
    const end = Math.min(samples.length, Math.ceil((column + 1) * width));
    for (let index = Math.floor(column * width); index < end; index += 1) {
      peak = Math.max(peak, Math.abs(samples[index] ?? 0));
    }
    return peak;
  });
}
