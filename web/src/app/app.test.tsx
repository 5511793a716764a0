// @vitest-environment jsdom
import { act, cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi } from "../api/client";
import { SessionStore, type Me } from "../api/session";
import { startI18n } from "../i18n";
import { agent, alarm, call, event, heartbeat, queue, snapshot } from "../testing/messages";
import { App } from "./App";

// A page is loaded when it is first shown; on a busy machine that takes more than the library's second.
configure({ asyncUtilTimeout: 20_000 });

const SUPERVISOR: Me = { user: "sup1", roles: ["supervisor"], agent: null, teams: [], must_change_password: false };
const AGENT: Me = { user: "1004", roles: ["agent"], agent: "1004", teams: [], must_change_password: false };

class FakeWebSocket {
  static last: FakeWebSocket | undefined;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly url: string;

  constructor(url: string | URL) {
    this.url = String(url);
    FakeWebSocket.last = this;
  }

  send(): void {
    // what is sent is the matter of the stream's own tests
  }

  close(): void {
    // nothing holds it
  }
}

type Answer = (path: string, body: unknown) => Response | undefined;

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

function show(me: Me | null, answer: Answer = () => undefined, path = "/") {
  const asked: { path: string; method: string; body: unknown }[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const text = await request.text();
    const body: unknown = text === "" ? null : JSON.parse(text);
    const { pathname } = new URL(request.url);
    asked.push({ path: pathname, method: request.method, body });
    return answer(pathname, body) ?? json({ items: [], next_cursor: null });
  });
  window.history.replaceState(null, "", path);
  const session = new SessionStore(window.sessionStorage);
  if (me !== null) {
    session.begin("secret", me);
  }
  render(<App services={{ api: createApi(session), session }} theme="light" />);
  return { asked };
}

async function say(...messages: readonly object[]): Promise<void> {
  await waitFor(() => {
    expect(FakeWebSocket.last?.onmessage).toBeTruthy();
  });
  await act(async () => {
    FakeWebSocket.last?.onopen?.();
    for (const message of messages) {
      FakeWebSocket.last?.onmessage?.({ data: JSON.stringify(message) });
    }
    await new Promise((resolve) => setTimeout(resolve, 60)); // the store publishes in batches
  });
}

beforeAll(() => {
  startI18n("en");
  vi.stubGlobal("WebSocket", FakeWebSocket);
  vi.stubGlobal("ResizeObserver", class {
    observe = () => undefined;
    unobserve = () => undefined;
    disconnect = () => undefined;
  });
  vi.stubGlobal("matchMedia", () => ({ matches: false, addListener: () => undefined, removeListener: () => undefined, addEventListener: () => undefined, removeEventListener: () => undefined }));
});

beforeEach(() => {
  window.sessionStorage.clear();
  window.localStorage.clear();
  FakeWebSocket.last = undefined;
});

afterEach(cleanup);

describe("the log-in", () => {
  const submit = async () => {
    fireEvent.change(await screen.findByLabelText("User or agent number"), { target: { value: "sup1" } });
    fireEvent.change(screen.getByLabelText("Password"), { target: { value: "x" } });
    fireEvent.click(screen.getByRole("button", { name: "Log in" }));
  };

  it("says that the password is wrong and keeps the user", async () => {
    show(null, () => json({ code: "not_authenticated", detail: "user or password is wrong" }, 401));
    await submit();
    expect(await screen.findByText("User or password is wrong.")).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>("User or agent number").value).toBe("sup1");
    expect(screen.getByLabelText<HTMLInputElement>("Password").value).toBe("");
  });

  it("counts the seconds down after too many attempts", async () => {
    show(null, () => json({ code: "throttled", detail: "too many", retry_after: 8 }, 429));
    await submit();
    expect(await screen.findByText("Too many attempts. Try again in 8 s.")).toBeTruthy();
    expect(screen.getByRole("button", { name: /Wait \d s/ })).toHaveProperty("disabled", true);
    expect(await screen.findByText("Too many attempts. Try again in 7 s.", {}, { timeout: 2_000 })).toBeTruthy();
  });

  it("asks for an own password where one was given by somebody else", async () => {
    show({ ...SUPERVISOR, must_change_password: true });
    expect(await screen.findByLabelText("New password")).toBeTruthy();
  });
});

describe("the overview", () => {
  it("follows the events without asking again", async () => {
    show(SUPERVISOR);
    await say(snapshot("e", 1, { agents: [agent("1004")], queues: [queue("support", { name: "Support" })] }), heartbeat("e", 1));
    const row = () => document.querySelector("[data-agent='1004']")?.textContent ?? "";
    await waitFor(() => {
      expect(row()).toContain("Signed out");
    });
    await say(event(2, [{ collection: "agents", id: "1004", row: agent("1004", { state: "ready", seat: "seat-04" }) }]));
    expect(row()).toContain("Ready");
    expect(row()).toContain("seat-04");
  });

  it("says that the connection is lost, and when the next attempt comes", async () => {
    show(SUPERVISOR);
    await say(snapshot("e", 1, { agents: [agent("1004")] }), heartbeat("e", 1));
    act(() => {
      FakeWebSocket.last?.onclose?.({ code: 1006 });
    });
    expect(screen.getByText("The connection to the server is lost.")).toBeTruthy();
    expect(screen.getByText(/Next attempt in \d+ s/)).toBeTruthy();
    expect(screen.getByText(/^Figures of .* old$/)).toBeTruthy();
    expect(document.querySelector(".stale-figures")).not.toBeNull();
  });

  it("lets a supervisor acknowledge an alarm", async () => {
    const { asked } = show(SUPERVISOR, (path) =>
      path.endsWith("/acknowledge") ? new Response(null, { status: 204 }) : undefined,
    );
    await say(snapshot("e", 1, { alarms: [alarm("a1")] }), heartbeat("e", 1));
    fireEvent.click(await screen.findByRole("button", { name: "Acknowledge" }));
    await waitFor(() => {
      expect(asked.map(({ path }) => path)).toContain("/api/v1/alarms/a1/acknowledge");
    });
  });
});

describe("the desk", () => {
  const wishes = (asked: readonly { path: string; method: string; body: unknown }[]) =>
    asked.filter(({ method }) => method === "PUT").map(({ body }) => body);

  it("signs in at a seat", async () => {
    const { asked } = show(AGENT, (path) => (path.endsWith("/state") ? json(agent("1004", { state: "not_ready" })) : undefined));
    await say(snapshot("e", 1, { agents: [agent("1004")] }), heartbeat("e", 1));
    fireEvent.change(await screen.findByRole("combobox"), { target: { value: "seat-04" } });
    expect(screen.getByText("Calls ring in this browser.")).toBeTruthy();
    fireEvent.click(screen.getByText("Desk phone"));
    expect(screen.getByText("No phone is registered at seat-04: calls cannot ring there.")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: /Sign in/ }));
    await waitFor(() => {
      expect(wishes(asked)).toEqual([{ state: "not_ready", reason: "", seat: "seat-04" }]);
    });
  });

  it("becomes ready by F2, and pauses with a reason by its key", async () => {
    const { asked } = show(AGENT, (path) => (path.endsWith("/state") ? json(agent("1004", { state: "ready" })) : undefined));
    await say(snapshot("e", 1, { agents: [agent("1004", { state: "not_ready", seat: "seat-04" })] }), heartbeat("e", 1));
    await screen.findByRole("button", { name: /^Ready/ }, { timeout: 5_000 });
    fireEvent.keyDown(window, { key: "F2" });
    await waitFor(() => {
      expect(wishes(asked)).toEqual([{ state: "ready", reason: "" }]);
    });
    fireEvent.keyDown(window, { key: "l" });
    await waitFor(() => {
      expect(wishes(asked).at(-1)).toEqual({ state: "not_ready", reason: "lunch" });
    });
  });

  it("calls a number that is typed, or that of a last contact", async () => {
    const last = { id: "c-9", caller: "13800000009", dialled: "95001", direction: "inbound", outcome: "handled", started_at: "2026-01-05T09:00:00Z" };
    const { asked } = show(AGENT, (path) =>
      path === "/api/v1/contacts" ? json({ items: [last], next_cursor: null }) : path === "/api/v1/calls" ? json({ call: "x", contact: "y" }, 201) : undefined,
    );
    await say(snapshot("e", 1, { agents: [agent("1004", { state: "ready", seat: "seat-04" })] }), heartbeat("e", 1));
    const field = await screen.findByRole("textbox", { name: "Number to call" });
    fireEvent.keyDown(window, { key: "c" });
    expect(document.activeElement).toBe(field);
    fireEvent.change(field, { target: { value: " 138-0000 0001 " } });
    fireEvent.submit(field);
    const calls = () => asked.filter(({ path, method }) => path === "/api/v1/calls" && method === "POST").map(({ body }) => (body as { to: string }).to);
    await waitFor(() => {
      expect(calls()).toEqual(["138-0000 0001"]);
    });
    fireEvent.click(await screen.findByRole("button", { name: "Call 13800000009" }));
    await waitFor(() => {
      expect(calls().at(-1)).toBe("13800000009");
    });
  });

  it("shows that a number is called, and why nobody answered", async () => {
    const ended = { id: "contact-1", caller: "13800000001", dialled: "95000", direction: "outbound", outcome: "busy", cause: "busy", started_at: "2026-01-05T09:00:00Z" };
    const unknown = { customers: [], last_contacts: [], conversation: [], looked_up: true };
    show(AGENT, (path) =>
      path === "/api/v1/contacts" ? json({ items: [ended], next_cursor: null }) : path === "/api/v1/me/pop" ? json(unknown) : undefined,
    );
    const talking = agent("1004", { state: "talking", seat: "seat-04", contact: "contact-1" });
    const calling = call("1", { direction: "outbound", stage: "dialling", agent: "1004", queue: null, queued_at: null });
    await say(snapshot("e", 1, { agents: [talking], calls: [calling] }), heartbeat("e", 1));
    expect(await screen.findByText("Being called")).toBeTruthy();
    expect(screen.getByRole("button", { name: /Hang up/ })).toHaveProperty("disabled", false);
    await say(snapshot("e", 2, { agents: [agent("1004", { state: "ready", seat: "seat-04" })] }), heartbeat("e", 2));
    expect(await screen.findByText(/13800000001: Busy \(not reached\)/)).toBeTruthy();
  });

  it("says why the server refused", async () => {
    show(AGENT, (path) => (path.endsWith("/state") ? json({ code: "seat_taken", detail: "seat-04 is taken" }, 409) : undefined));
    await say(snapshot("e", 1, { agents: [agent("1004")] }), heartbeat("e", 1));
    fireEvent.change(await screen.findByRole("combobox"), { target: { value: "seat-04" } });
    fireEvent.click(screen.getByRole("button", { name: /Sign in/ }));
    expect(await screen.findByText("Somebody else is signed in at this seat.")).toBeTruthy();
  });

  it("offers nothing while the connection is lost", async () => {
    show(AGENT);
    await say(snapshot("e", 1, { agents: [agent("1004", { state: "ready", seat: "seat-04" })] }), heartbeat("e", 1));
    act(() => {
      FakeWebSocket.last?.onclose?.({ code: 1006 });
    });
    expect(await screen.findByRole("button", { name: /^Not ready/ })).toHaveProperty("disabled", true);
  });

  it("lists its keys", async () => {
    show(AGENT);
    await say(snapshot("e", 1, { agents: [agent("1004", { state: "ready", seat: "seat-04" })] }), heartbeat("e", 1));
    await screen.findByRole("button", { name: /^Not ready/ });
    fireEvent.keyDown(window, { key: "?" });
    const list = await waitFor(() => document.querySelector(".key-help") ?? expect.fail("no list yet"));
    expect(list.textContent).toContain("Ready or not ready");
    expect(list.textContent).toContain("Not ready: Lunch");
  });
});

describe("the administration", () => {
  it("shows the areas of the role and no others", async () => {
    show(SUPERVISOR, () => undefined, "/admin");
    await say(snapshot("e", 1), heartbeat("e", 1));
    expect(await screen.findByRole("link", { name: "Contacts" }, { timeout: 5_000 })).toBeTruthy();
    expect(screen.queryByRole("link", { name: "Audit" })).toBeNull();
  });

  it("says so where a role has none", async () => {
    show(AGENT, () => undefined, "/admin");
    await say(snapshot("e", 1), heartbeat("e", 1));
    expect(await screen.findByText("Your role does not permit this.")).toBeTruthy();
  });
});
