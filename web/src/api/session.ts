/** Who is logged in, in this tab. */
import type { Schemas } from "../live/types";

export type Role = Schemas["Role"];
export type Me = Schemas["Me"];

export type Ended = "expired" | "logged_out";

export interface SessionState {
  readonly token: string | null;
  readonly me: Me | null;
  /** Why the last log-in ended; null before one, or while one lasts. */
  readonly ended: Ended | null;
}

const KEY = "ccplatform.session";
const NOBODY: SessionState = { token: null, me: null, ended: null };

/**
 * The token lives in sessionStorage: it survives a reload, so that an agent does not fall out of his shift, and is
 * gone with the tab, so that the next person at a shared seat does not find it. A cookie would be sent by the
 * browser on its own and need protection against forged requests; localStorage would outlive the shift.
 */
export class SessionStore {
  private state: SessionState;
  private readonly listeners = new Set<() => void>();
  private readonly storage: Storage;

  constructor(storage: Storage) {
    this.storage = storage;
    this.state = restored(storage.getItem(KEY)) ?? NOBODY;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  readonly read = (): SessionState => this.state;

  begin(token: string, me: Me): void {
    this.storage.setItem(KEY, JSON.stringify({ token, me }));
    this.set({ token, me, ended: null });
  }

  end(why: Ended): void {
    if (this.state.token === null) {
      return;
    }
    this.storage.removeItem(KEY);
    this.set({ token: null, me: null, ended: why });
  }

  private set(state: SessionState): void {
    this.state = state;
    for (const listener of this.listeners) {
      listener();
    }
  }
}

/** Whether one of the roles that a page or control needs is there. */
export function hasRole(me: Me | null, ...wanted: readonly Role[]): boolean {
  return me !== null && me.roles.some((role) => wanted.includes(role));
}

/** Whether lists show him this agent: a supervisor of teams, and nothing more, sees those in them, and himself. */
export function seesAgent(me: Me, agent: { readonly id: string; readonly team: string }): boolean {
  const limited = me.teams.length > 0 && me.roles.every((role) => role === "supervisor" || role === "agent");
  return !limited || agent.id === me.agent || me.teams.includes(agent.team);
}

/** Whoever is an agent and nothing else works at the desk; all others watch. */
export function worksAtDesk(me: Me): boolean {
  return me.agent !== null && me.roles.every((role) => role === "agent");
}

function restored(text: string | null): SessionState | null {
  if (text === null) {
    return null;
  }
  try {
    const { token, me } = JSON.parse(text) as Partial<SessionState>;
    return typeof token === "string" && me ? { token, me: Object.assign({ teams: [] }, me), ended: null } : null;
  } catch {
    return null;
  }
}
