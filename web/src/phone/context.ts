import { createContext, useContext, useSyncExternalStore } from "react";
import type { Api } from "../api/client";
import { unwrap } from "../api/problem";
import { DialogMemory } from "./memory";
import { openMicrophone, release } from "./microphone";
import type { PhoneState } from "./model";
import { Softphone } from "./softphone";
import { ring } from "./sounds";

export const PhoneContext = createContext<Softphone | null>(null);

export function usePhone(): Softphone {
  const phone = useContext(PhoneContext);
  if (phone === null) {
    throw new Error("usePhone outside of a PhoneContext");
  }
  return phone;
}

export function usePhoneState(): PhoneState {
  const phone = usePhone();
  return useSyncExternalStore(phone.subscribe, phone.read);
}

export function createSoftphone(api: Api): Softphone {
  return new Softphone({
    account: (seat) => unwrap(api.POST("/api/v1/me/softphone", { body: { seat } })),
    library: () => import("./library"),
    openMicrophone: () => openMicrophone(),
    ring,
    memory: new DialogMemory(window.localStorage, window),
    locks: (navigator as Partial<Navigator>).locks,
    instance: instanceOf(window.localStorage),
  });
}

// --- what rings -------------------------------------------------------------------------------------------

export type PhoneChoice = "browser" | "desk";

const CHOICE = "ccplatform.phone";
const LISTENING_SEAT = "ccplatform.phone.listening";
const INSTANCE = "ccplatform.phone.instance";
const choosers = new Set<() => void>();

/** What this browser's agent chose last; null: nothing yet. */
export function usePhoneChoice(): [PhoneChoice | null, (choice: PhoneChoice) => void] {
  const stored = useSyncExternalStore(subscribe, () => window.localStorage.getItem(CHOICE));
  return [stored === "browser" || stored === "desk" ? stored : null, choose];
}

/** The seat by whose phone a supervisor listens; empty: none. */
export function useListeningSeat(): [string, (seat: string) => void] {
  const seat = useSyncExternalStore(subscribe, () => window.localStorage.getItem(LISTENING_SEAT));
  return [seat ?? "", chooseSeat];
}

function chooseSeat(seat: string): void {
  keep(LISTENING_SEAT, seat);
}

function subscribe(listener: () => void): () => void {
  choosers.add(listener);
  return () => {
    choosers.delete(listener);
  };
}

function choose(choice: PhoneChoice): void {
  keep(CHOICE, choice);
}

function keep(name: string, value: string): void {
  window.localStorage.setItem(name, value);
  for (const listener of choosers) {
    listener();
  }
}

/** Let the browser ask for what a phone needs while somebody looks at it, not at the first call. */
export function askPermissions(): void {
  void openMicrophone().then(release, () => undefined);
  if ("Notification" in window && Notification.permission === "default") {
    void Notification.requestPermission();
  }
}

function instanceOf(storage: Storage): string {
  const known = storage.getItem(INSTANCE);
  if (known !== null) {
    return known;
  }
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const made = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  storage.setItem(INSTANCE, made);
  return made;
}
