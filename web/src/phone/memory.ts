/** The dialog of the call in hand, as it is needed to take the call back after a reload or in another tab. */

export interface Dialog {
  readonly seat: string;
  readonly contact: string;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly answered: boolean;
}

const KEY = "ccplatform.phone.dialog";

/** Worth nothing to others: taking a dialog over needs an account of its seat. */
export class DialogMemory {
  private readonly storage: Storage;
  private readonly events: EventTarget;

  /** `events` has the `storage` events of other tabs: the window. */
  constructor(storage: Storage, events: EventTarget) {
    this.storage = storage;
    this.events = events;
  }

  /** Tell once when another tab has put its own dialog in place of this one. */
  onTaken(dialog: Dialog, taken: () => void): () => void {
    const leave = () => {
      this.events.removeEventListener("storage", look);
    };
    const look = () => {
      const now = this.of(dialog.seat);
      if (now !== null && now.callId !== dialog.callId) {
        leave();
        taken();
      }
    };
    this.events.addEventListener("storage", look);
    return leave;
  }

  keep(dialog: Dialog): void {
    this.storage.setItem(KEY, JSON.stringify(dialog));
  }

  forget(): void {
    this.storage.removeItem(KEY);
  }

  /** The dialog of this seat, if one is kept. */
  of(seat: string): Dialog | null {
    try {
      const kept = JSON.parse(this.storage.getItem(KEY) ?? "null") as Partial<Dialog> | null;
      const whole = kept !== null && [kept.contact, kept.callId, kept.localTag, kept.remoteTag].every((part) => typeof part === "string");
      return whole && kept.seat === seat ? (kept as Dialog) : null;
    } catch {
      return null;
    }
  }
}

/** The header by which an INVITE takes a dialog's place (RFC 3891); tags are named as the other side knows them. */
export function replacesHeader(dialog: Dialog): string {
  return `Replaces: ${dialog.callId};to-tag=${dialog.remoteTag};from-tag=${dialog.localTag}`;
}
