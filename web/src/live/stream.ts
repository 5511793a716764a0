/** The event socket: authenticates with its first message, resumes after a gap, comes back with a growing pause. */
import { pauseBefore } from "./backoff";
import { isServerMessage } from "./reducer";
import type { Resume, ServerMessage } from "./types";

/** Heartbeats come every 15 s: after this long without any message the connection is dead. */
export const SILENCE_MS = 40_000;
export const OPENING_MS = 10_000;

export type Phase = "idle" | "connecting" | "live" | "waiting" | "refused";

export interface StreamStatus {
  readonly phase: Phase;
  /** Client time of the next attempt, ms; null when none is due. */
  readonly nextAttemptAt: number | null;
  /** Close code of the last loss; null before one. */
  readonly code: number | null;
}

export const IDLE: StreamStatus = { phase: "idle", nextAttemptAt: null, code: null };

/** What the stream needs of a WebSocket. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface StreamOptions {
  readonly open: () => Socket;
  readonly token: string;
  /** Where the view ends, asked at each attempt. */
  readonly resume: () => Resume | null;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onStatus: (status: StreamStatus) => void;
  /** The token is not valid any more: log in again. */
  readonly onEnded: () => void;
  readonly random?: () => number;
}

const TOKEN_INVALID = 4401;
/** Trying again changes nothing: no role may watch, or this client does not speak the protocol. */
const FINAL_CODES: ReadonlySet<number> = new Set([4400, 4403, 4413]);

export class EventStream {
  private socket: Socket | null = null;
  private attempt = 0;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private status: StreamStatus = IDLE;
  private readonly options: StreamOptions;

  constructor(options: StreamOptions) {
    this.options = options;
  }

  start(): void {
    this.connect();
  }

  /** Do not wait for the countdown. */
  tryNow(): void {
    if (this.status.phase === "waiting") {
      this.connect();
    }
  }

  /** Begin anew, for instance because the view and the server do not fit together any more. */
  reconnect(): void {
    if (this.socket !== null) {
      this.lose(1000);
    }
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.drop();
    this.tell({ ...IDLE });
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.tell({ ...this.status, phase: "connecting", nextAttemptAt: null });
    const socket = this.options.open();
    this.socket = socket;
    this.watch(OPENING_MS);
    socket.onopen = () => {
      const resume = this.options.resume();
      socket.send(
        JSON.stringify({ type: "authenticate", token: this.options.token, ...(resume === null ? {} : { resume }) }),
      );
    };
    socket.onmessage = (event) => {
      this.take(event.data);
    };
    socket.onclose = (event) => {
      this.lose(event.code);
    };
  }

  private take(data: unknown): void {
    this.watch(SILENCE_MS);
    const message = parsed(data);
    if (message === null) {
      return; // newer servers may say more than this page understands
    }
    this.options.onMessage(message);
    // A heartbeat follows the snapshot or what was missed: from there it is live.
    if (message.type === "heartbeat" && this.status.phase === "connecting") {
      this.attempt = 0;
      this.tell({ phase: "live", nextAttemptAt: null, code: null });
    }
  }

  private watch(limit: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.lose(1006);
    }, limit);
  }

  private lose(code: number): void {
    clearTimeout(this.timer);
    this.drop();
    if (this.stopped) {
      return;
    }
    if (code === TOKEN_INVALID) {
      this.tell({ phase: "refused", nextAttemptAt: null, code });
      this.options.onEnded();
      return;
    }
    if (FINAL_CODES.has(code)) {
      this.tell({ phase: "refused", nextAttemptAt: null, code });
      return;
    }
    const pause = pauseBefore(this.attempt, this.options.random ?? Math.random);
    this.attempt += 1;
    this.tell({ phase: "waiting", nextAttemptAt: Date.now() + pause, code });
    this.timer = setTimeout(() => {
      this.connect();
    }, pause);
  }

  /** Leave the socket without waiting for it: on a dead network its close event takes minutes. */
  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (socket !== null) {
      socket.onopen = null;
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  private tell(status: StreamStatus): void {
    this.status = status;
    this.options.onStatus(status);
  }
}

function parsed(data: unknown): ServerMessage | null {
  if (typeof data !== "string") {
    return null;
  }
  try {
    const value: unknown = JSON.parse(data);
    return isServerMessage(value) ? value : null;
  } catch {
    return null;
  }
}
