import { createContext, useContext, useSyncExternalStore } from "react";
import type { Api } from "./client";
import type { Me, SessionState, SessionStore } from "./session";

export interface Services {
  readonly api: Api;
  readonly session: SessionStore;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === null) {
    throw new Error("useServices outside of a ServicesContext");
  }
  return services;
}

export function useApi(): Api {
  return useServices().api;
}

export function useSession(): SessionState {
  const { session } = useServices();
  return useSyncExternalStore(session.subscribe, session.read);
}

/** Who is logged in; only below the guard of the log-in. */
export function useMe(): Me {
  const { me } = useSession();
  if (me === null) {
    throw new Error("useMe without a log-in");
  }
  return me;
}
