/** One call of the browser's phone: its audio, its quality, and whether it is still there. */
import type { RTCSession } from "jssip/lib/RTCSession";
import { devices, release } from "./microphone";
import { Path } from "./path";
import { qualityBetween, statisticsOf, type Counts, type Quality } from "./quality";
import { play } from "./sounds";

const LOOK_MS = 2_000;
/** Paths that break for a moment mend by themselves; later the call is taken to a new one. */
const PATIENCE_MS = 3_000;
/** Ends that nobody wanted: the other side may still have the call. */
const LOST = ["Connection Error", "RTP Timeout", "Request Timeout", "Dialog Error", "WebRTC Error"];

/** The Reason of a BYE (RFC 3326) with a Q.850 cause that is no normal clearing. */
const FAULT = /^\s*Q\.850\s*;.*\bcause=(?!16\b)/i;

/** No server in between: the platform is reached directly, and answers checks from wherever they come. */
export const PEER: RTCConfiguration = { bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" };

/** `lost`: by a fault on this side; `fault`: the platform says that something failed; else by somebody's wish. */
export type End = "lost" | "fault" | "wish";

export interface Watcher {
  readonly confirmed: () => void;
  readonly quality: (quality: Quality) => void;
  /** The network does not carry its sound, in one direction at least, or does again. */
  readonly cut: (cut: boolean) => void;
  /** Nothing arrives on its path any more. */
  readonly stuck: () => void;
  readonly ended: (how: End) => void;
  readonly soundBlocked: () => void;
}

interface Message {
  readonly getHeader: (name: string) => string | undefined;
}

export class BrowserCall {
  readonly session: RTCSession;
  private readonly watcher: Watcher;
  private microphone: MediaStream | null = null;
  private counts: Counts | null = null;
  private readonly path = new Path();
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
    session.on("ended", ({ cause, message }) => {
      this.end(LOST.includes(cause) ? "lost" : FAULT.test((message as Message | null)?.getHeader("Reason") ?? "") ? "fault" : "wish");
    });
    session.on("failed", ({ cause }) => {
      this.end(LOST.includes(cause) ? "lost" : "wish");
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
      switch (connection.iceConnectionState) {
        case "failed":
          event.stopImmediatePropagation(); // the library would end a call that can be taken to a new path
          this.watcher.stuck();
          break;
        case "disconnected":
          this.watcher.cut(true);
          this.timers.push(
            setTimeout(() => {
              if (connection.iceConnectionState === "disconnected") {
                this.watcher.stuck();
              }
            }, PATIENCE_MS),
          );
          break;
        case "connected":
        case "completed":
          this.watcher.cut(false);
      }
    };
    connection.addEventListener("iceconnectionstatechange", look, { capture: true });
  }

  private async look(): Promise<void> {
    const { connection } = this.session;
    const { counts, checks } = await statisticsOf(connection);
    if (this.over) {
      return;
    }
    this.watcher.cut(this.path.cut(connection.iceConnectionState, checks));
    if (counts !== null) {
      this.watcher.quality(qualityBetween(this.counts, counts));
      this.counts = counts;
    }
  }

  private end(how: End): void {
    if (!this.over) {
      this.finish();
      this.watcher.ended(how);
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
