/** The microphone and the headset: which, whether they work, and why not. */

export type MicrophoneProblem = "insecure" | "denied" | "none" | "in_use";

export class MicrophoneError extends Error {
  readonly problem: MicrophoneProblem;

  constructor(problem: MicrophoneProblem) {
    super(problem);
    this.name = "MicrophoneError";
    this.problem = problem;
  }
}

const MICROPHONE = "ccplatform.phone.microphone";
const SPEAKER = "ccplatform.phone.speaker";

/** Devices by choice; empty: what the system uses. */
export const devices = {
  microphone: () => window.localStorage.getItem(MICROPHONE) ?? "",
  speaker: () => window.localStorage.getItem(SPEAKER) ?? "",
  choose: (kind: "microphone" | "speaker", id: string) => {
    window.localStorage.setItem(kind === "microphone" ? MICROPHONE : SPEAKER, id);
  },
};

/** Sound of the chosen microphone; throws {@link MicrophoneError}. A chosen one that is not there gives way to any. */
export async function openMicrophone(chosen = devices.microphone()): Promise<MediaStream> {
  const media = (navigator as Partial<Navigator>).mediaDevices;
  if (media === undefined) {
    throw new MicrophoneError("insecure"); // browsers have none for plain pages but those of this machine
  }
  const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await media.getUserMedia({ audio: chosen === "" ? wanted : { ...wanted, deviceId: { exact: chosen } } });
  } catch (error) {
    const problem = problemOf(error);
    if (problem === "none" && chosen !== "") {
      return openMicrophone("");
    }
    throw new MicrophoneError(problem);
  }
}

/** What the names of getUserMedia's errors mean (W3C Media Capture and Streams, section 9.2). */
export function problemOf(error: unknown): MicrophoneProblem {
  switch (error instanceof Error || error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    default:
      return "in_use";
  }
}

export function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.stop();
  }
}

/** Say how loud a stream is, 0 to 1, ten times a second until the returned function is called. */
export function watchLevel(stream: MediaStream, heard: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1_024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    heard(levelOf(samples));
  }, 100);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

/** From -60 dBFS (0) to full scale (1). */
export function levelOf(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
  return power === 0 ? 0 : Math.min(1, Math.max(0, 1 + (10 * Math.log10(power)) / 60));
}
