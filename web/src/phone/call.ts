/** One call of the browser's phone: its audio, its quality, and whether it is still there. */
import type { RTCSession } from "jssip/lib/RTCSession";
import { devices, release } from "./microphone";
import { countsOf, qualityBetween, type Counts, type Quality } from "./quality";
import { play } from "./sounds";

const LOOK_MS = 2_000;
/** Paths that break for a moment mend by themselves; later the call is taken to a new one. */
const PATIENCE_MS = 3_000;
/** Ends that nobody wanted: the other side may still have the call. */
const LOST = ["Connection Error", "RTP Timeout", "Request Timeout", "Dialog Error", "WebRTC Error"];

/** No server in between: the platform is reached directly, and answers checks from wherever they come. */
export const PEER: RTCConfiguration = { bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" };

export interface Watcher {
  readonly confirmed: () => void;
  readonly quality: (quality: Quality) => void;
  /** Nothing arrives on its path any more. */
  readonly stuck: () => void;
  /** `lost`: by a fault on this side, not by somebody's wish. */
  readonly ended: (lost: boolean) => void;
  readonly soundBlocked: () => void;
}

export class BrowserCall {
  readonly session: RTCSession;
  private readonly watcher: Watcher;
  private microphone: MediaStream | null = null;
  private counts: Counts | null = null;
  private timers: ReturnType<typeof setTimeout>[] = [];
  private silence: (() => void) | null = null;
  private over = false;

  constructor(session: RTCSession, watcher: Watcher) {
    this.session = session;
    this.watcher = watcher;
    session.on("icecandidate", ({ ready }) => {
      ready(); // one address is enough: the platform learns the path from the checks
    });
    session.on("confirmed", () => {
      this.timers.push(setInterval(() => void this.look(), LOOK_MS));
      watcher.confirmed();
    });
    session.on("ended", ({ cause }) => {
      this.end(cause);
    });
    session.on("failed", ({ cause }) => {
      this.end(cause);
    });
    const connection = session.connection as RTCPeerConnection | null;
    if (connection === null) {
      session.on("peerconnection", ({ peerconnection }) => {
        this.attach(peerconnection);
      });
    } else {
      this.attach(connection);
    }
  }

  /** Its microphone, let go of with it. */
  uses(stream: MediaStream): void {
    this.microphone = stream;
  }

  answer(stream: MediaStream): void {
    this.uses(stream);
    this.session.answer({ mediaStream: stream, pcConfig: PEER });
  }

  mute(muted: boolean): void {
    if (muted) {
      this.session.mute({ audio: true });
    } else {
      this.session.unmute({ audio: true });
    }
  }

  /** Let go of it without a word: another dialog has its place. */
  drop(): void {
    const connection = this.session.connection as RTCPeerConnection | null;
    this.finish();
    connection?.close();
  }

  private attach(connection: RTCPeerConnection): void {
    connection.addEventListener("track", ({ track }) => {
      play(new MediaStream([track]), devices.speaker())
        .then((stop) => {
          this.silence = stop;
        })
        .catch(() => {
          this.watcher.soundBlocked();
        });
    });
    const look = (event: Event) => {
      if (connection.iceConnectionState === "failed") {
        event.stopImmediatePropagation(); // the library would end a call that can be taken to a new path
        this.watcher.stuck();
      } else if (connection.iceConnectionState === "disconnected") {
        const patience = setTimeout(() => {
          if (connection.iceConnectionState === "disconnected") {
            this.watcher.stuck();
          }
        }, PATIENCE_MS);
        this.timers.push(patience);
      }
    };
    connection.addEventListener("iceconnectionstatechange", look, { capture: true });
  }

  private async look(): Promise<void> {
    const counts = await countsOf(this.session.connection);
    if (counts !== null && !this.over) {
      this.watcher.quality(qualityBetween(this.counts, counts));
      this.counts = counts;
    }
  }

  private end(cause: string): void {
    if (!this.over) {
      this.finish();
      this.watcher.ended(LOST.includes(cause));
    }
  }

  private finish(): void {
    this.over = true;
    this.timers.forEach(clearTimeout);
    this.silence?.();
    if (this.microphone !== null) {
      release(this.microphone);
    }
  }
}
