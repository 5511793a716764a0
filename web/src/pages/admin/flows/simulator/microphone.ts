/** The microphone of this page: what somebody says, cut into utterances. */
import { VoiceActivity } from "./voice";
import { base64Of, wavOf } from "./wav";

const RATE = 16_000;
const LEAD_SECONDS = 0.3;
const LOOK_MS = 30;

export interface Utterance {
  readonly audio: string;
  readonly seconds: number;
}

export interface Listening {
  readonly onBegan: () => void;
  readonly onUtterance: (utterance: Utterance) => void;
  readonly onFailure: () => void;
}

export type MicrophoneProblem = "insecure" | "none" | "denied";

/** Why there is no microphone; a plain page has none but on this machine. */
export function problemOfMicrophone(error: unknown): MicrophoneProblem {
  const name = error instanceof DOMException ? error.name : "";
  return name === "NotAllowedError" || name === "SecurityError" ? "denied" : "none";
}

export function mayListen(): boolean {
  return typeof MediaRecorder !== "undefined" && "mediaDevices" in navigator;
}

export class Microphone {
  /** Seconds of silence that end what is said. */
  pause = 0.8;
  private timer = 0;
  private recorder: MediaRecorder | null = null;
  private begunAt = 0;
  private readonly context = new AudioContext();
  private readonly activity = new VoiceActivity();

  private constructor(
    private readonly stream: MediaStream,
    private readonly listening: Listening,
  ) {}

  /** Ask for the microphone; throws a DOMException where there is none, or nobody allows it. */
  static async open(listening: Listening): Promise<Microphone> {
    // What takes noise away takes hisses with it, by which recognisers tell words apart; a gain that finds its level
    // while somebody speaks makes the first that he says far too loud (by 8 dB in Chromium), and is not understood.
    const audio = { echoCancellation: true, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const made = new Microphone(stream, listening);
    made.start();
    return made;
  }

  close(): void {
    window.clearInterval(this.timer);
    this.recorder?.stop();
    this.recorder = null;
    this.stream.getTracks().forEach((track) => {
      track.stop();
    });
    void this.context.close();
  }

  private start(): void {
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const frame = new Float32Array(analyser.fftSize);
    this.record();
    this.timer = window.setInterval(() => {
      analyser.getFloatTimeDomainData(frame);
      const level = Math.sqrt(frame.reduce((sum, sample) => sum + sample * sample, 0) / frame.length);
      this.look(level, performance.now() / 1000);
    }, LOOK_MS);
  }

  private look(level: number, now: number): void {
    const since = this.activity.begunAt;
    const heard = this.activity.take(level, now, this.pause);
    if (heard === "began") {
      this.listening.onBegan();
    } else if (heard === "ended" && since !== null) {
      this.cut(now - since + LEAD_SECONDS);
    } else if (this.activity.begunAt === null && now - this.begunAt > 60) {
      this.record(); // nobody spoke for long: what was recorded is let go
    }
  }

  private record(): void {
    this.recorder?.stop();
    this.recorder = new MediaRecorder(this.stream);
    this.recorder.start();
    this.begunAt = performance.now() / 1000;
  }

  /** End the recording, and give its last seconds: a recorder begins late, so that only its end is a known instant. */
  private cut(seconds: number): void {
    const { recorder } = this;
    if (recorder === null) {
      return;
    }
    recorder.ondataavailable = ({ data }) => {
      this.utteranceOf(data, seconds).then(this.listening.onUtterance, this.listening.onFailure);
    };
    this.record();
  }

  private async utteranceOf(recorded: Blob, longest: number): Promise<Utterance> {
    const sound = await this.context.decodeAudioData(await recorded.arrayBuffer());
    const seconds = Math.min(longest, sound.duration);
    const offline = new OfflineAudioContext(1, Math.ceil(seconds * RATE), RATE);
    const source = offline.createBufferSource();
    source.buffer = sound;
    source.connect(offline.destination);
    source.start(0, sound.duration - seconds);
    const samples = (await offline.startRendering()).getChannelData(0);
    return { audio: base64Of(wavOf(samples, RATE)), seconds };
  }
}
