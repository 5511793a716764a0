import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { agent, event, heartbeat, snapshot } from "../testing/messages";
import { pauseBefore } from "./backoff";
import { LiveStore } from "./store";
import { EventStream, SILENCE_MS, type Socket } from "./stream";
import { isStale } from "./context";

class FakeSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: unknown[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  say(...messages: readonly object[]): void {
    for (const message of messages) {
      this.onmessage?.({ data: JSON.stringify(message) });
    }
  }
}

/** A page's end of the wire: the store, its stream, and every socket it opened. */
function connected() {
  const sockets: FakeSocket[] = [];
  const store = new LiveStore();
  const onEnded = vi.fn();
  const stream: EventStream = new EventStream({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    token: "secret",
    resume: () => store.resume(),
    onMessage: (message) => {
      if (store.take(message)) {
        stream.reconnect();
      }
    },
    onStatus: (status) => {
      store.setStream(status);
    },
    onEnded,
    random: () => 0.5,
  });
  stream.start();
  const last = () => sockets.at(-1) ?? expect.fail("no socket");
  const open = (...messages: readonly object[]) => {
    last().onopen?.();
    last().say(...messages);
    vi.advanceTimersByTime(50);
  };
  return { sockets, store, stream, onEnded, last, open };
}

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-01-05T09:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("EventStream", () => {
  it("authenticates with its first message, without a place to resume from", () => {
    const { open, last } = connected();
    open();
    expect(last().sent).toEqual([{ type: "authenticate", token: "secret" }]);
  });

  it("is live with the heartbeat that follows the snapshot", () => {
    const { store, open } = connected();
    open(snapshot("e1", 4, { agents: [agent("1001")] }));
    expect(store.read().stream.phase).toBe("connecting");
    open(heartbeat("e1", 4));
    expect(store.read().stream.phase).toBe("live");
    expect(isStale(store.read())).toBe(false);
  });

  it("resumes after a gap where its view ends, and keeps the stale rows meanwhile", () => {
    const { store, open, last, sockets } = connected();
    open(snapshot("e1", 4, { agents: [agent("1001")] }), heartbeat("e1", 4), event(6));
    last().onclose?.({ code: 1006 });
    expect(isStale(store.read())).toBe(true);
    expect(store.read().view.rows.agents.size).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(sockets).toHaveLength(2);
    open();
    expect(last().sent).toEqual([{ type: "authenticate", token: "secret", resume: { epoch: "e1", seq: 6 } }]);
    open(event(7, [{ collection: "agents", id: "1001", row: agent("1001", { state: "ready" }) }]), heartbeat("e1", 7));
    expect(store.read().view.rows.agents.get("1001")?.state).toBe("ready");
    expect(isStale(store.read())).toBe(false);
  });

  it("waits longer after each failure, and starts over once it was live", () => {
    const { store, last, open } = connected();
    const pauses = Array.from({ length: 7 }, () => {
      last().onclose?.({ code: 1006 });
      const due = store.read().stream.nextAttemptAt ?? expect.fail("no attempt is due");
      const pause = due - Date.now();
      vi.advanceTimersByTime(pause);
      return pause;
    });
    expect(pauses).toEqual([750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]);
    open(snapshot("e1", 1), heartbeat("e1", 1));
    last().onclose?.({ code: 1001 });
    expect((store.read().stream.nextAttemptAt ?? 0) - store.serverNow()).toBe(750);
  });

  it("does not wait when somebody says so", () => {
    const { stream, last, sockets } = connected();
    last().onclose?.({ code: 1006 });
    stream.tryNow();
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(5_000);
    expect(sockets).toHaveLength(2);
  });

  it("takes silence for a lost connection", () => {
    const { store, open, last } = connected();
    open(snapshot("e1", 1), heartbeat("e1", 1));
    const first = last();
    vi.advanceTimersByTime(SILENCE_MS + 100);
    expect(first.closed).toBe(true);
    expect(isStale(store.read())).toBe(true);
  });

  it("logs out when the token is not valid any more, and does not try again", () => {
    const { onEnded, open, last, sockets } = connected();
    open();
    last().onclose?.({ code: 4401 });
    vi.advanceTimersByTime(120_000);
    expect(onEnded).toHaveBeenCalledOnce();
    expect(sockets).toHaveLength(1);
  });

  it("does not try again where no role may watch", () => {
    const { store, last, sockets } = connected();
    last().onclose?.({ code: 4403 });
    vi.advanceTimersByTime(120_000);
    expect(sockets).toHaveLength(1);
    expect(store.read().stream).toMatchObject({ phase: "refused", code: 4403 });
  });

  it("asks for a snapshot when the server speaks of another run", () => {
    const { store, open, last, sockets } = connected();
    open(snapshot("e1", 9), heartbeat("e1", 9));
    open(heartbeat("e2", 1));
    vi.advanceTimersByTime(1_000);
    expect(sockets).toHaveLength(2);
    open();
    expect(last().sent).toEqual([{ type: "authenticate", token: "secret" }]);
    open(snapshot("e2", 1), heartbeat("e2", 1));
    expect(store.read().view.epoch).toBe("e2");
  });

  it("is not disturbed by what is no message", () => {
    const { store, open, last } = connected();
    open(snapshot("e1", 1), heartbeat("e1", 1));
    last().onmessage?.({ data: "{" });
    last().onmessage?.({ data: new ArrayBuffer(3) });
    last().say({ type: "advice" }, [1, 2], { type: "event" });
    expect(isStale(store.read())).toBe(false);
  });

  it("opens nothing after it was stopped", () => {
    const { stream, last, sockets } = connected();
    last().onclose?.({ code: 1006 });
    stream.stop();
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
  });
});

describe("LiveStore", () => {
  it("counts ages on the server's clock", () => {
    vi.setSystemTime(new Date("2026-01-05T08:59:00Z")); // this machine is a minute late
    const { store, open } = connected();
    open(snapshot("e1", 1), heartbeat("e1", 1));
    expect(store.serverNow()).toBeGreaterThanOrEqual(Date.parse("2026-01-05T09:00:00Z"));
  });

  it("does not take the time of a snapshot made earlier for now", () => {
    const { store, open } = connected();
    open({ ...snapshot("e1", 1), at: "2026-01-05T08:42:00Z" });
    expect(store.serverNow()).toBe(Date.now());
  });

  it("does not call figures fresh that the server itself has no news of", () => {
    const { store, open } = connected();
    open(snapshot("e1", 1), heartbeat("e1", 1));
    const heard = store.read().heardAt;
    vi.advanceTimersByTime(15_000);
    open(heartbeat("e1", 1, false));
    expect(store.read().heardAt).toBe(heard);
    expect(isStale(store.read())).toBe(true);
  });

  it("tells of many events at once", () => {
    const { store, open, last } = connected();
    open(snapshot("e1", 1), heartbeat("e1", 1));
    const listener = vi.fn();
    store.subscribe(listener);
    last().say(...Array.from({ length: 200 }, (_, index) => event(index + 2)));
    vi.advanceTimersByTime(50);
    expect(listener).toHaveBeenCalledOnce();
    expect(store.read().view.seq).toBe(201);
  });
});

describe("pauseBefore", () => {
  it("draws between half and the whole of a growing pause of half a minute at most", () => {
    expect(pauseBefore(0, () => 0)).toBe(500);
    expect(pauseBefore(3, () => 0)).toBe(4_000);
    expect(pauseBefore(1_000, () => 0.999)).toBeLessThanOrEqual(30_000);
  });
});
