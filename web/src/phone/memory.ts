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

  constructor(storage: Storage) {
    this.storage = storage;
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
