// @vitest-environment jsdom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApi, logIn } from "./client";
import { ApiError, problemOf, unwrap } from "./problem";
import { hasRole, SessionStore, worksAtDesk, type Me } from "./session";

const ME: Me = { user: "sup1", roles: ["supervisor"], agent: null, teams: [], must_change_password: false };
const AGENT: Me = { user: "1004", roles: ["agent"], agent: "1004", teams: [], must_change_password: false };

beforeEach(() => {
  window.sessionStorage.clear();
});

describe("SessionStore", () => {
  it("survives a reload of the tab and ends with a reason", () => {
    const session = new SessionStore(window.sessionStorage);
    session.begin("token", ME);
    expect(new SessionStore(window.sessionStorage).read().me).toEqual(ME);
    session.end("expired");
    expect(session.read()).toEqual({ token: null, me: null, ended: "expired" });
    expect(new SessionStore(window.sessionStorage).read().token).toBeNull();
  });

  it("takes spoilt storage for no log-in", () => {
    window.sessionStorage.setItem("ccplatform.session", "{");
    expect(new SessionStore(window.sessionStorage).read().token).toBeNull();
  });

  it("is not left in localStorage, which outlives the shift", () => {
    new SessionStore(window.sessionStorage).begin("token", ME);
    expect(JSON.stringify(window.localStorage)).not.toContain("token");
  });
});

describe("roles", () => {
  it("send whoever is only an agent to the desk", () => {
    expect(worksAtDesk(AGENT)).toBe(true);
    expect(worksAtDesk({ ...AGENT, roles: ["agent", "supervisor"] })).toBe(false);
    expect(worksAtDesk(ME)).toBe(false);
  });

  it("open what one of them permits", () => {
    expect(hasRole(ME, "auditor", "supervisor")).toBe(true);
    expect(hasRole(AGENT, "auditor", "supervisor")).toBe(false);
    expect(hasRole(null, "agent")).toBe(false);
  });
});

describe("problems", () => {
  it("carry code and wait of problem+json", () => {
    const error = problemOf(429, { code: "throttled", detail: "too many", retry_after: 8 });
    expect([error.code, error.retryAfter, error.message]).toEqual(["throttled", 8, "too many"]);
  });

  it("are made of whatever a broken server says", () => {
    expect(problemOf(502, "<html>").code).toBe("unavailable");
    expect(problemOf(418, null).code).toBe("refused");
  });

  it("call a missing network offline", async () => {
    const error: unknown = await unwrap(Promise.reject(new TypeError("failed to fetch"))).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "offline", status: 0 });
  });
});

describe("the API client", () => {
  function answering(...answers: readonly Response[]) {
    const asked: Request[] = [];
    const left = [...answers];
    vi.stubGlobal("fetch", (request: Request) => {
      asked.push(request);
      return Promise.resolve(left.shift() ?? expect.fail("one request too many"));
    });
    const session = new SessionStore(window.sessionStorage);
    return { asked, session, api: createApi(session) };
  }
  const json = (body: unknown, status = 200) =>
    new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

  it("logs in and sends the token in the header, never in an address", async () => {
    const { asked, session, api } = answering(
      json({ access_token: "secret", token_type: "bearer", expires_in: 3600 }),
      json(ME),
      json({ items: [], next_cursor: null }),
    );
    await logIn(api, session, "sup1", "demo-sup1");
    await unwrap(api.GET("/api/v1/agents"));
    expect(session.read().me?.user).toBe("sup1");
    expect(asked.map((request) => request.headers.get("Authorization"))).toEqual([null, "Bearer secret", "Bearer secret"]);
    expect(asked.some((request) => request.url.includes("secret"))).toBe(false);
  });

  it("ends the log-in when its token is refused", async () => {
    const { session, api } = answering(json({ code: "not_authenticated" }, 401));
    session.begin("old", ME);
    await expect(unwrap(api.GET("/api/v1/agents"))).rejects.toMatchObject({ status: 401 });
    expect(session.read().ended).toBe("expired");
  });

  it("leaves a wrong password to the form", async () => {
    const { session, api } = answering(json({ code: "not_authenticated", detail: "wrong" }, 401));
    await expect(logIn(api, session, "sup1", "x")).rejects.toMatchObject({ code: "not_authenticated" });
    expect(session.read().ended).toBeNull();
  });
});
