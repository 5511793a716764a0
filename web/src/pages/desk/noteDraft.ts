/** What an agent is writing about a contact, kept over a reload of the page until the server has it. */
import { newOrderKey } from "../../api/orderKey";

export interface Draft {
  readonly disposition: string;
  readonly note: string;
  /** Of the order that saves just this. */
  readonly key: string;
}

const PREFIX = "ccplatform.note.";

export function draftOf(disposition: string, note: string): Draft {
  return { disposition, note, key: newOrderKey() };
}

export function same(one: Pick<Draft, "disposition" | "note">, other: Pick<Draft, "disposition" | "note">): boolean {
  return one.disposition === other.disposition && one.note === other.note;
}

export function keepDraft(storage: Storage, contact: string, draft: Draft): void {
  storage.setItem(PREFIX + contact, JSON.stringify(draft));
}

export function forgetDraft(storage: Storage, contact: string): void {
  storage.removeItem(PREFIX + contact);
}

/** The draft of a contact; null when there is none, or none that this program wrote. */
export function readDraft(storage: Storage, contact: string): Draft | null {
  try {
    const found: unknown = JSON.parse(storage.getItem(PREFIX + contact) ?? "null");
    return isDraft(found) ? found : null;
  } catch {
    return null;
  }
}

function isDraft(value: unknown): value is Draft {
  const fields = ["disposition", "note", "key"] as const;
  return typeof value === "object" && value !== null && fields.every((field) => typeof (value as Partial<Draft>)[field] === "string");
}
