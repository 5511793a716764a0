import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./generated";
import { fetchOnce } from "./orderKey";
import { problemOf, unwrap } from "./problem";
import type { Me, SessionStore } from "./session";

export type Api = Client<paths>;

/** A typed client that sends the session's token in the header (never in an address) and ends it when refused. */
export function createApi(session: SessionStore): Api {
  const api = createClient<paths>({ baseUrl: window.location.origin, fetch: fetchOnce });
  api.use({
    onRequest({ request }) {
      const { token } = session.read();
      if (token !== null && !request.headers.has("Authorization")) {
        request.headers.set("Authorization", `Bearer ${token}`);
      }
      return request;
    },
    onResponse({ request, response }) {
      // An answer to an older token says nothing about the log-in of now.
      const current = `Bearer ${session.read().token ?? ""}`;
      if (response.status === 401 && request.headers.get("Authorization") === current) {
        session.end("expired");
      }
      return response;
    },
  });
  return api;
}

/** Log in; throws ApiError (`not_authenticated`, `throttled`, `offline`, …). */
export async function logIn(api: Api, session: SessionStore, username: string, password: string): Promise<Me> {
  const answer = await unwrap(api.POST("/api/v1/auth/login", { body: { username, password } }));
  const me = await unwrap(
    api.GET("/api/v1/me", { headers: { Authorization: `Bearer ${answer.access_token}` } }),
  );
  session.begin(answer.access_token, me);
  return me;
}

/** Log out here in any case, and at the server if it can be reached. */
export async function logOut(api: Api, session: SessionStore): Promise<void> {
  const { token } = session.read();
  session.end("logged_out");
  if (token !== null) {
    await api
      .POST("/api/v1/auth/logout", { headers: { Authorization: `Bearer ${token}` } })
      .catch(() => undefined); // out of reach: the token ends by itself
  }
}

/** The audio of a message. A media element cannot send the token, so it plays a local copy. */
export async function fetchAudio(session: SessionStore, message: string, signal: AbortSignal): Promise<Blob> {
  const response = await fetch(`/api/v1/messages/${encodeURIComponent(message)}/audio`, {
    headers: { Authorization: `Bearer ${session.read().token ?? ""}` },
    signal,
  });
  if (!response.ok) {
    throw problemOf(response.status, await response.json().catch(() => null));
  }
  return response.blob();
}
