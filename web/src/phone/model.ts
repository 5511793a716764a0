/** The words of the browser's phone: what pages see of it, and what it is made of. */
import type { UA } from "jssip/lib/UA";
import type { Schemas } from "../live/types";
import type { DialogMemory } from "./memory";
import type { MicrophoneProblem } from "./microphone";
import type { Quality } from "./quality";

export type Account = Schemas["SoftphoneAccount"];
export type Phase = "off" | "starting" | "ready" | "lost" | "elsewhere" | "refused";

export interface Talk {
  readonly contact: string;
  /** `returning`: taken back after a reload or onto a new path. */
  readonly stage: "ringing" | "answering" | "talking" | "returning";
  readonly muted: boolean;
  readonly quality: Quality | null;
  /** The network does not carry its sound, in one direction at least. */
  readonly cut: boolean;
}

export interface PhoneState {
  readonly phase: Phase;
  /** Code of what the server said, `register` or `unreachable`; null while all is well. */
  readonly problem: string | null;
  readonly microphone: MicrophoneProblem | null;
  /** The browser does not let the page sound before it was clicked at. */
  readonly soundBlocked: boolean;
  readonly talk: Talk | null;
  /** Why the last call is over that nobody ended: no sound came any more, something else failed, or it was gone when it was to be taken back. */
  readonly broken: "silent" | "fault" | "gone" | null;
}

/** What the phone is made of; tests bring their own. */
export interface Parts {
  readonly account: (seat: string) => Promise<Account>;
  readonly library: () => Promise<{ readonly UA: typeof UA; readonly WebSocketInterface: new (url: string) => unknown }>;
  readonly openMicrophone: () => Promise<MediaStream>;
  readonly ring: () => () => void;
  readonly memory: DialogMemory;
  readonly locks: LockManager | undefined;
  /** Names this browser among the phones of the seat (RFC 5626): a UUID that survives reloads. */
  readonly instance: string;
}

export const OFF: PhoneState = { phase: "off", problem: null, microphone: null, soundBlocked: false, talk: null, broken: null };

/** Of a request or response, as JsSIP has them. */
export interface Named {
  readonly call_id: string;
  readonly from_tag: string;
  readonly to_tag: string;
}
