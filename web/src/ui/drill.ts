/** Addresses of the contacts behind a figure. */

export interface ContactWish {
  readonly queue?: string;
  readonly agent?: string;
  readonly outcome?: string;
  /** RFC 3339. */
  readonly from?: string;
}

export function contactsAddress(wish: ContactWish): string {
  return `/admin/contacts?${new URLSearchParams({ ...wish }).toString()}`;
}

export function storyAddress(contact: string): string {
  return `/admin/contacts/${encodeURIComponent(contact)}`;
}

/** The calls that wait in a queue now, on the overview. */
export function waitingAddress(queue: string): string {
  return `/?${new URLSearchParams({ queue, stage: "queue" }).toString()}`;
}

/** When the day began here. */
export function midnight(now: Date): string {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).toISOString();
}

/** When a window of this length began (ISO 8601: `PT2H`, `P1D`); of others, the day. */
export function windowBegin(window: string, now: Date): string {
  const found = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(window);
  const [days, hours, minutes] = [1, 2, 3].map((place) => Number(found?.[place] ?? 0)) as [number, number, number];
  const length = ((days * 24 + hours) * 60 + minutes) * 60_000;
  return length > 0 ? new Date(now.getTime() - length).toISOString() : midnight(now);
}
