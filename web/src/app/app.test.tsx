// @vitest-environment jsdom
import { act, cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi } from "../api/client";
import { SessionStore, type Me } from "../api/session";
import { startI18n } from "../i18n";
import { agent, alarm, AT, call, event, heartbeat, queue, snapshot } from "../testing/messages";
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

const FORM = {
  contact: "contact-1",
  queue: "support",
  dispositions: [
    { id: "solved", name: "Solved" },
    { id: "sold", name: "Sold" },
  ],
  disposition: "",
  note: "",
  saved_at: null,
};

const REASONS = { items: [{ id: "lunch", name: "Lunch" }], next_cursor: null };

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

function show(me: Me | null, answer: Answer = () => undefined, path = "/") {
  const asked: { path: string; method: string; body: unknown; query: Record<string, string> }[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const text = await request.text();
    const body: unknown = text === "" ? null : JSON.parse(text);
    const { pathname, searchParams } = new URL(request.url);
    asked.push({ path: pathname, method: request.method, body, query: Object.fromEntries(searchParams) });
    return answer(pathname, body) ?? json(pathname === "/api/v1/me/reasons" ? REASONS : { items: [], next_cursor: null });
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

beforeAll(async () => {
  await startI18n("en");
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
  const key: unknown = expect.stringMatching(/^[0-9a-f]{32}$/);

  it("signs in at a seat", async () => {
    const { asked } = show(AGENT, (path) => (path.endsWith("/state") ? json(agent("1004", { state: "not_ready" })) : undefined));
    await say(snapshot("e", 1, { agents: [agent("1004")] }), heartbeat("e", 1));
    fireEvent.change(await screen.findByRole("combobox"), { target: { value: "seat-04" } });
    expect(screen.getByText("Calls ring in this browser.")).toBeTruthy();
    fireEvent.click(screen.getByText("Desk phone"));
    expect(screen.getByText("No phone is registered at seat-04: calls cannot ring there.")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: /Sign in/ }));
    await waitFor(() => {
      expect(wishes(asked)).toEqual([{ state: "not_ready", reason: "", seat: "seat-04", key }]);
    });
  });

  it("becomes ready by F2, and pauses with a reason by its key", async () => {
    const { asked } = show(AGENT, (path) => (path.endsWith("/state") ? json(agent("1004", { state: "ready" })) : undefined));
    await say(snapshot("e", 1, { agents: [agent("1004", { state: "not_ready", seat: "seat-04" })] }), heartbeat("e", 1));
    await screen.findByRole("button", { name: /^Ready/ });
    fireEvent.keyDown(window, { key: "F2" });
    await waitFor(() => {
      expect(wishes(asked)).toEqual([{ state: "ready", reason: "", key }]);
    });
    await screen.findByRole("button", { name: /^Lunch/ });
    fireEvent.keyDown(window, { key: "p" });
    fireEvent.keyDown(window, { key: "1" });
    await waitFor(() => {
      expect(wishes(asked).at(-1)).toEqual({ state: "not_ready", reason: "lunch", key });
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
    const unknown = { customers: [], last_contacts: [], conversation: [], call_backs: [], path: [], links: [], script: null, looked_up: true };
    show(AGENT, (path) =>
      path === "/api/v1/contacts"
        ? json({ items: [ended], next_cursor: null })
        : path === "/api/v1/me/pop"
          ? json(unknown)
          : path.endsWith("/note")
            ? json(FORM)
            : undefined,
    );
    const talking = agent("1004", { state: "talking", seat: "seat-04", contact: "contact-1" });
    const calling = call("1", { direction: "outbound", stage: "dialling", agent: "1004", queue: null, queued_at: null });
    await say(snapshot("e", 1, { agents: [talking], calls: [calling] }), heartbeat("e", 1));
    expect(await screen.findByText("Being called")).toBeTruthy();
    expect(screen.getByRole("button", { name: /Hang up/ })).toHaveProperty("disabled", false);
    await say(snapshot("e", 2, { agents: [agent("1004", { state: "ready", seat: "seat-04" })] }), heartbeat("e", 2));
    expect(await screen.findByText(/13800000001: Busy \(not reached\)/)).toBeTruthy();
  });

  it("saves a disposition by its number at once, and what was written when the work on the contact ends", async () => {
    const { asked } = show(AGENT, (path, body) =>
      path.endsWith("/note") ? json(body === null ? FORM : { saved_at: AT }) : path === "/api/v1/me/pop" ? json(null) : undefined,
    );
    const notes = () => asked.filter(({ path, method }) => method === "PUT" && path.endsWith("/contact-1/note")).map(({ body }) => body);
    const wrapping = agent("1004", { state: "wrap_up", seat: "seat-04", contact: "contact-1", until: "2026-01-05T09:30:00.000Z" });
    await say(snapshot("e", 1, { agents: [wrapping], calls: [call("1", { stage: "wrap", agent: "1004" })] }), heartbeat("e", 1));
    await screen.findByRole("button", { name: /Sold/ });
    expect(screen.getByText(/^\d+:\d\d left$/)).toBeTruthy(); // however long loading took
    fireEvent.keyDown(window, { key: "2" });
    await waitFor(() => {
      expect(notes()).toEqual([{ disposition: "sold", note: "", key }]);
    });
    expect(await screen.findByText(/^Saved /)).toBeTruthy();
    fireEvent.keyDown(window, { key: "n" });
    const field = screen.getByRole("textbox", { name: "Notes" });
    expect(document.activeElement).toBe(field);
    fireEvent.change(field, { target: { value: "<b>two</b>" } });
    expect(screen.getByText("Not saved yet")).toBeTruthy();
    await say(snapshot("e", 2, { agents: [agent("1004", { state: "ready", seat: "seat-04" })] }), heartbeat("e", 2));
    await waitFor(() => {
      expect(notes().at(-1)).toEqual({ disposition: "sold", note: "<b>two</b>", key });
    });
    expect(screen.getByText("Of your last call")).toBeTruthy();
    expect(window.sessionStorage.getItem("ccplatform.note.contact-1")).toBeNull();
  });

  it("keeps what the server did not take, and says why", async () => {
    show(AGENT, (path, body) =>
      path.endsWith("/note") ? (body === null ? json(FORM) : json({ code: "unavailable", detail: "" }, 503)) : path === "/api/v1/me/pop" ? json(null) : undefined,
    );
    const talking = agent("1004", { state: "talking", seat: "seat-04", contact: "contact-1" });
    await say(snapshot("e", 1, { agents: [talking], calls: [call("1", { stage: "talking", agent: "1004" })] }), heartbeat("e", 1));
    fireEvent.click(await screen.findByRole("button", { name: /Solved/ }));
    expect(await screen.findByText(/^▲ Not saved: The server cannot do this/)).toBeTruthy();
    expect(window.sessionStorage.getItem("ccplatform.note.contact-1")).toContain("solved");
    expect(screen.getByRole("button", { name: "Save" })).toHaveProperty("disabled", false);
  });

  const POP = {
    contact: "contact-1",
    caller: "13800000001",
    customers: [
      { account: "600001", phone: "13800000001", name: "<img src=x onerror=alert(1)>", name_latin: "", level: "", city: "", note: "", version: 3 },
      { account: "600002", phone: "13800000001", name: "Zhang Na", name_latin: "", level: "", city: "", note: "", version: 1 },
    ],
    last_contacts: [],
    conversation: [],
    call_backs: [],
    path: [],
    links: [],
    script: null,
    looked_up: true,
  };
  const inTalk = () =>
    say(
      snapshot("e", 1, {
        agents: [agent("1004", { state: "talking", seat: "seat-04", contact: "contact-1" })],
        calls: [call("1", { stage: "talking", agent: "1004" })],
      }),
      heartbeat("e", 1),
    );

  it("shows hostile customer data as text, lets choose among several, and never overwrites another's correction", async () => {
    const { asked } = show(AGENT, (path) =>
      path === "/api/v1/me/pop"
        ? json(POP)
        : path.startsWith("/api/v1/customers/")
          ? json({ code: "changed_meanwhile", detail: "" }, 412)
          : path.endsWith("/note")
            ? json(FORM)
            : undefined,
    );
    await inTalk();
    const card = await waitFor(() => document.querySelector(".customer-card .pop-name") ?? expect.fail("no card yet"));
    expect(card.textContent).toContain("<img src=x onerror=alert(1)>");
    expect(document.querySelector(".customer-card img")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Zhang Na" }));
    fireEvent.keyDown(window, { key: "u" });
    const city = await screen.findByLabelText("City");
    fireEvent.change(city, { target: { value: "Hangzhou" } });
    fireEvent.submit(city);
    expect(await screen.findByText(/Somebody else changed it meanwhile/)).toBeTruthy();
    const [order] = asked.filter(({ method }) => method === "PUT");
    expect(order).toMatchObject({ path: "/api/v1/customers/600002", body: { name: "Zhang Na", city: "Hangzhou" } });
    fireEvent.click(screen.getByRole("button", { name: "Show it as it is now" }));
    expect(await screen.findByText("600002")).toBeTruthy();
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
    await screen.findByRole("button", { name: /^Lunch/ });
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
    expect(await screen.findByRole("link", { name: "Contacts" })).toBeTruthy();
    expect(screen.queryByRole("link", { name: "Audit" })).toBeNull();
  });

  it("says so where a role has none", async () => {
    show(AGENT, () => undefined, "/admin");
    await say(snapshot("e", 1), heartbeat("e", 1));
    expect(await screen.findByText("Your role does not permit this.")).toBeTruthy();
  });
});

describe("the way from a figure to its contacts", () => {
  const rows = { queues: [queue("sales", { waiting: 1 })], calls: [call("c-1", { queue: "sales", stage: "queue" }), call("c-2", { caller: "13800000002", stage: "ivr" })] };

  it("leads from a queue's figures to its contacts of today and its waiting calls", async () => {
    show(SUPERVISOR);
    await say(snapshot("e", 1, rows), heartbeat("e", 1));
    const [level] = await screen.findAllByTitle("The contacts behind this figure");
    expect(level?.getAttribute("href")).toMatch(/^\/admin\/contacts\?queue=sales&from=/);
    const [waiting] = screen.getAllByTitle("The calls that wait now");
    expect(document.querySelectorAll("[data-call]")).toHaveLength(2);
    fireEvent.click(waiting as HTMLElement);
    await waitFor(() => {
      expect(document.querySelectorAll("[data-call]")).toHaveLength(1);
    });
    fireEvent.click(screen.getByRole("link", { name: /Waiting in/ }));
    await waitFor(() => {
      expect(document.querySelectorAll("[data-call]")).toHaveLength(2);
    });
  });

  it("asks for the contacts that the address names, and for all when nothing is looked for", async () => {
    const { asked } = show(SUPERVISOR, () => undefined, "/admin/contacts?queue=sales&outcome=abandoned_queue&from=2026-01-05T00:00:00.000Z&to=never");
    await say(snapshot("e", 1, rows), heartbeat("e", 1));
    const contacts = () => asked.filter(({ path }) => path === "/api/v1/contacts").map(({ query }) => query);
    await waitFor(() => {
      expect(contacts()).toEqual([{ queue: "sales", outcome: "abandoned_queue", from: "2026-01-05T00:00:00.000Z", limit: "50" }]);
    });
    fireEvent.click(screen.getByRole("button", { name: "Clear filters" }));
    await waitFor(() => {
      expect(contacts().at(-1)).toEqual({ limit: "50" });
    });
    expect(window.location.search).toBe("");
  });

  it("is no way for agents, who may not see other people's contacts", async () => {
    show(AGENT, () => undefined, "/wallboard");
    await say(snapshot("e", 1, rows), heartbeat("e", 1));
    await screen.findByRole("heading", { name: "sales" });
    expect(screen.queryAllByTitle("The contacts behind this figure")).toEqual([]);
  });
});
