/** The one store that the event stream feeds; components subscribe to slices of it. */
import { EMPTY_VIEW, reduce, resumeFrom, type LiveView } from "./reducer";
import { IDLE, type StreamStatus } from "./stream";
import type { Resume, ServerMessage } from "./types";

/** At a thousand events a second the page still renders only this often. */
const PUBLISH_MS = 40;
/** After a calm it renders this soon, with what comes in one go: an offer is in front of its agent at once. */
const CALM_MS = 4;

export interface LiveState {
  readonly view: LiveView;
  /** `nextAttemptAt` on the server's clock, like every instant here. */
  readonly stream: StreamStatus;
  /** Server time at which the figures were last known to be live, ms since 1970; null before. */
  readonly heardAt: number | null;
}

const NOTHING: LiveState = { view: EMPTY_VIEW, stream: IDLE, heardAt: null };

export class LiveStore {
  private published: LiveState = NOTHING;
  private current: LiveState = NOTHING;
  private offset = 0;
  private due: ReturnType<typeof setTimeout> | undefined;
  private publishedAt = 0;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  readonly read = (): LiveState => this.published;

  /** The server's clock, ms since 1970: ages of states are counted on it. */
  readonly serverNow = (): number => Date.now() + this.offset;

  /** Fold a message; true when the view has lost touch and needs a snapshot. */
  take(message: ServerMessage): boolean {
    // A snapshot may have been made a while ago and sent to many: its time says nothing about now.
    if (message.type === "heartbeat") {
      this.setClock(Date.parse(message.at) - Date.now());
    }
    const view = reduce(this.current.view, message);
    const heardAt = view.linked ? this.serverNow() : this.current.heardAt;
    this.current = { ...this.current, view, heardAt };
    this.publishSoon();
    return view.lost;
  }

  setStream(stream: StreamStatus): void {
    const { nextAttemptAt } = stream;
    const due = nextAttemptAt === null ? null : nextAttemptAt + this.offset;
    this.current = { ...this.current, stream: { ...stream, nextAttemptAt: due } };
    this.publish();
  }

  resume(): Resume | null {
    return resumeFrom(this.current.view);
  }

  /** Forget everything: somebody else logs in. */
  reset(): void {
    this.current = NOTHING;
    this.publish();
  }

  private setClock(measured: number): void {
    // Delays on the way make the server's clock look late, never early: the largest difference is the nearest.
    const jumped = Math.abs(measured - this.offset) > 2_000;
    this.offset = jumped ? measured : Math.max(this.offset, measured);
  }

  private publishSoon(): void {
    this.due ??= setTimeout(
      () => {
        this.publish();
      },
      Math.max(CALM_MS, PUBLISH_MS - (performance.now() - this.publishedAt)),
    );
  }

  private publish(): void {
    clearTimeout(this.due);
    this.due = undefined;
    this.publishedAt = performance.now();
    this.published = this.current;
    for (const listener of this.listeners) {
      listener();
    }
  }
}
