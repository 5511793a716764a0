import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/problem";
import { DialogMemory } from "./memory";
import { MicrophoneError } from "./microphone";
import type { Account } from "./model";
import { Softphone } from "./softphone";

type Handler = (event: unknown) => void;

class Emitter {
  private readonly handlers = new Map<string, Handler[]>();

  on(name: string, handler: Handler): void {
    this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler]);
  }

  emit(name: string, event: unknown = {}): void {
    this.handlers.get(name)?.forEach((handler) => {
      handler(event);
    });
  }
}

/** What a call needs of an RTCPeerConnection. */
class Connection extends EventTarget {
  iceConnectionState = "new";
  close = vi.fn();
  getStats = () => Promise.resolve(new Map());

  turns(state: string): void {
    this.iceConnectionState = state;
    this.dispatchEvent(new Event("iceconnectionstatechange"));
  }
}

class Session extends Emitter {
  connection: Connection | null = null;
  answer = vi.fn();
  terminate = vi.fn();
  mute = vi.fn();
  unmute = vi.fn();
}

class Agent extends Emitter {
  static all: Agent[] = [];
  readonly calls: { readonly target: string; readonly headers: readonly string[]; readonly session: Session }[] = [];
  start = vi.fn();
  stop = vi.fn();
  register = vi.fn();
  unregister = vi.fn();
  set = vi.fn();
  readonly wishes: Record<string, unknown>;

  constructor(wishes: Record<string, unknown>) {
    super();
    this.wishes = wishes;
    Agent.all.push(this);
  }

  isConnected(): boolean {
    return true;
  }

  isRegistered(): boolean {
    return true;
  }

  call(target: string, options: { readonly extraHeaders: readonly string[] }): Session {
    const session = new Session();
    this.calls.push({ target, headers: options.extraHeaders, session });
    return session;
  }
}

/** Web Locks of one browser, for two tabs. */
class Locks {
  private leave: (() => void) | null = null;

  request(_name: string, options: LockOptions, run: (lock: object | null) => unknown): Promise<unknown> {
    if (options.ifAvailable === true && this.leave !== null) {
      return Promise.resolve(run(null));
    }
    if (options.signal !== undefined) {
      return new Promise(() => undefined);
    }
    this.leave?.();
    return new Promise((resolve, reject) => {
      this.leave = () => {
        reject(new Error("stolen"));
      };
      void Promise.resolve(run({})).then(resolve);
    });
  }
}

class Shelf implements Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  private readonly kept = new Map<string, string>();
  readonly events = new EventTarget();
  getItem = (key: string) => this.kept.get(key) ?? null;
  setItem = (key: string, value: string) => void this.kept.set(key, value);
  removeItem = (key: string) => void this.kept.delete(key);
}

const stream = { getTracks: () => [] } as unknown as MediaStream;
const pass = (number: number): Account => ({
  uri: "sip:8004@centre",
  user: `8004~${String(number)}`,
  password: `secret ${String(number)}`,
  server: "ws://centre:5066/",
  ends_at: "2026-01-05T09:05:00Z",
});

function made(shelf = new Shelf(), locks?: Locks) {
  let number = 0;
  const account = vi.fn(() => Promise.resolve(pass((number += 1))));
  const openMicrophone = vi.fn(() => Promise.resolve(stream));
  const silent = vi.fn();
  const phone = new Softphone({
    account,
    library: () => Promise.resolve({ UA: Agent as never, WebSocketInterface: Emitter as never }),
    openMicrophone,
    ring: () => silent,
    memory: new DialogMemory(shelf as unknown as Storage, shelf.events),
    locks: locks as unknown as LockManager,
    instance: "7d9dbd4e-1d9c-4a00-8000-000000000000",
  });
  return { phone, account, openMicrophone, silent, shelf };
}

async function registered(phone: Softphone): Promise<Agent> {
  const known = Agent.all.length;
  phone.follow("seat-04");
  await vi.waitFor(() => {
    expect(Agent.all).toHaveLength(known + 1);
  });
  const agent = Agent.all.at(-1) as Agent;
  agent.emit("registered");
  return agent;
}

function rings(agent: Agent, headers: Record<string, string> = {}): Session {
  const session = new Session();
  const given: Record<string, string> = { "X-Contact-ID": "contact-1", ...headers };
  const request = { call_id: "c1", from_tag: "theirs", to_tag: "ours", getHeader: (name: string) => given[name] };
  agent.emit("newRTCSession", { originator: "remote", session, request });
  return session;
}

async function talks(phone: Softphone, agent: Agent): Promise<Session> {
  const session = rings(agent);
  await phone.answer();
  session.emit("confirmed");
  return session;
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe("the phone in the browser", () => {
  beforeEach(() => {
    Agent.all = [];
    vi.useFakeTimers({ shouldAdvanceTime: true });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("registers with a pass, and with a new one each time", async () => {
    const { phone } = made();
    const agent = await registered(phone);
    expect(agent.wishes).toMatchObject({ uri: "sip:8004@centre", authorization_user: "8004~1", password: "secret 1" });
    expect(phone.read()).toMatchObject({ phase: "ready", problem: null });
    agent.emit("registrationExpiring");
    await settled();
    expect(agent.set.mock.calls).toEqual([["authorization_user", "8004~2"], ["password", "secret 2"]]);
    expect(agent.register).toHaveBeenCalledTimes(1);
  });

  it("says what the server says, and tries again by itself", async () => {
    const { phone, account } = made();
    account.mockRejectedValueOnce(new ApiError(503, "unavailable", "away"));
    phone.follow("seat-04");
    await settled();
    expect(phone.read()).toMatchObject({ phase: "lost", problem: "unavailable" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Agent.all).toHaveLength(1);
  });

  it("rings, is answered with the microphone that opened meanwhile, and forgets the call when it ends", async () => {
    const { phone, openMicrophone, silent, shelf } = made();
    const agent = await registered(phone);
    const session = rings(agent);
    expect(phone.read().talk).toMatchObject({ contact: "contact-1", stage: "ringing" });
    await phone.answer();
    expect(session.answer.mock.calls[0]?.[0]).toMatchObject({ mediaStream: stream });
    expect([openMicrophone.mock.calls.length, silent.mock.calls.length]).toEqual([1, 1]);
    session.emit("confirmed");
    expect(phone.read().talk?.stage).toBe("talking");
    expect(new DialogMemory(shelf as unknown as Storage, shelf.events).of("seat-04")).toMatchObject({ callId: "c1", answered: true });
    session.emit("ended", { cause: "Terminated" });
    expect(phone.read().talk).toBeNull();
    expect(new DialogMemory(shelf as unknown as Storage, shelf.events).of("seat-04")).toBeNull();
  });

  it("answers by itself what its agent dialled", async () => {
    const { phone } = made();
    const session = rings(await registered(phone), { "Answer-Mode": "Auto" });
    await settled();
    expect(session.answer).toHaveBeenCalledTimes(1);
  });

  it("answers by itself the call that was ordered, and no other", async () => {
    const { phone } = made();
    const agent = await registered(phone);
    phone.expect("contact-2");
    expect(rings(agent).answer).not.toHaveBeenCalled();
    phone.hangUp();
    const again = made();
    const other = await registered(again.phone);
    again.phone.expect("contact-1");
    const session = rings(other);
    await settled();
    expect(session.answer).toHaveBeenCalledTimes(1);
  });

  it("goes on ringing while there is no microphone, and says why", async () => {
    const { phone, openMicrophone } = made();
    openMicrophone.mockRejectedValueOnce(new MicrophoneError("denied"));
    const session = rings(await registered(phone));
    await phone.answer();
    expect(phone.read()).toMatchObject({ microphone: "denied", talk: { stage: "ringing" } });
    await phone.answer();
    expect(phone.read().microphone).toBeNull();
    expect(session.answer).toHaveBeenCalledTimes(1);
  });

  it("has one call at a time", async () => {
    const { phone } = made();
    const agent = await registered(phone);
    rings(agent);
    expect(rings(agent).terminate).toHaveBeenCalledWith({ status_code: 486 });
  });

  it("takes its call back after a reload", async () => {
    const before = made();
    await talks(before.phone, await registered(before.phone));
    const after = made(before.shelf);
    const agent = await registered(after.phone);
    await settled();
    expect(agent.calls.map(({ target, headers }) => [target, headers])).toEqual([
      ["sip:8004@centre", ["Replaces: c1;to-tag=theirs;from-tag=ours"]],
    ]);
    expect(after.phone.read().talk?.stage).toBe("returning");
    const session = agent.calls[0]?.session as Session;
    session.emit("accepted", { response: { call_id: "c2", from_tag: "a", to_tag: "b" } });
    session.emit("confirmed");
    expect(after.phone.read().talk).toMatchObject({ contact: "contact-1", stage: "talking" });
    expect(new DialogMemory(before.shelf as unknown as Storage, before.shelf.events).of("seat-04")).toMatchObject({ callId: "c2", localTag: "a", remoteTag: "b" });
  });

  it("forgets a call that ended while its page was away", async () => {
    const before = made();
    await talks(before.phone, await registered(before.phone));
    const after = made(before.shelf);
    const agent = await registered(after.phone);
    await settled();
    agent.calls[0]?.session.emit("failed", { cause: "Not Found" });
    expect(after.phone.read().talk).toBeNull();
    agent.emit("registered");
    await settled();
    expect(agent.calls).toHaveLength(1);
  });

  it("rings again after a reload, until nobody wants it any more", async () => {
    const before = made();
    rings(await registered(before.phone));
    const after = made(before.shelf);
    const agent = await registered(after.phone);
    expect(after.phone.read().talk?.stage).toBe("ringing");
    after.phone.settle(true);
    await after.phone.answer();
    expect(agent.calls).toHaveLength(1);
    agent.calls[0]?.session.emit("failed", { cause: "Not Found" });
    expect(after.phone.read().talk).toBeNull();
  });

  it("is in one tab, and takes over from another without ending its call", async () => {
    const locks = new Locks();
    const first = made(new Shelf(), locks);
    const agent = await registered(first.phone);
    const session = await talks(first.phone, agent);
    const second = made(first.shelf, locks);
    second.phone.follow("seat-04");
    await settled();
    expect([second.phone.read().phase, Agent.all.length]).toEqual(["elsewhere", 1]);
    second.phone.takeOver();
    await settled();
    expect(first.phone.read().phase).toBe("elsewhere");
    expect([agent.unregister.mock.calls.length, agent.stop.mock.calls.length]).toEqual([1, 0]);
    expect(session.terminate).not.toHaveBeenCalled();
    const other = Agent.all[1] as Agent;
    other.emit("registered");
    await settled();
    expect(other.calls).toHaveLength(1);
    const taken = other.calls[0]?.session as Session;
    taken.emit("accepted", { response: { call_id: "c2", from_tag: "a", to_tag: "b" } });
    taken.emit("confirmed");
    first.shelf.events.dispatchEvent(new Event("storage"));
    expect(first.phone.read()).toMatchObject({ phase: "elsewhere", talk: null });
    expect(agent.stop).toHaveBeenCalledTimes(1);
    expect(new DialogMemory(first.shelf as unknown as Storage, first.shelf.events).of("seat-04")).not.toBeNull();
  });

  it("says that a call which was there is gone, and that it was read", async () => {
    const before = made();
    await talks(before.phone, await registered(before.phone));
    const { phone } = made(before.shelf);
    const agent = await registered(phone);
    await settled();
    agent.calls[0]?.session.emit("failed", { cause: "SIP Failure Code" });
    expect(phone.read()).toMatchObject({ talk: null, broken: "gone" });
    phone.noted();
    expect(phone.read().broken).toBeNull();
  });

  it("says nothing of a call that somebody ended", async () => {
    const { phone } = made();
    const session = await talks(phone, await registered(phone));
    session.emit("ended", { cause: "Terminated", message: { getHeader: () => 'Q.850;cause=16;text="Normal call clearing"' } });
    expect(phone.read()).toMatchObject({ talk: null, broken: null });
  });

  it("tries again to take back what it could not ask for", async () => {
    const before = made();
    await talks(before.phone, await registered(before.phone));
    const { phone } = made(before.shelf);
    const agent = await registered(phone);
    await settled();
    agent.calls[0]?.session.emit("failed", { cause: "Request Timeout" });
    expect(phone.read()).toMatchObject({ talk: { stage: "returning" }, broken: null });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(agent.calls.map(({ headers }) => headers)).toEqual([["Replaces: c1;to-tag=theirs;from-tag=ours"], ["Replaces: c1;to-tag=theirs;from-tag=ours"]]);
  });

  it("takes a call whose path is broken onto a new one, says so meanwhile, and why it ends if it does", async () => {
    const { phone } = made();
    const agent = await registered(phone);
    const session = rings(agent);
    const connection = new Connection();
    session.emit("peerconnection", { peerconnection: connection });
    await phone.answer();
    session.connection = connection;
    session.emit("confirmed");
    connection.turns("connected");
    expect(phone.read().talk).toMatchObject({ stage: "talking", cut: false });
    connection.turns("disconnected");
    expect(phone.read().talk).toMatchObject({ stage: "talking", cut: true });
    connection.turns("connected");
    expect(phone.read().talk?.cut).toBe(false);
    connection.turns("disconnected");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(agent.calls.map(({ headers }) => headers)).toEqual([["Replaces: c1;to-tag=theirs;from-tag=ours"]]);
    const next = agent.calls[0]?.session as Session;
    next.connection = new Connection();
    next.emit("peerconnection", { peerconnection: next.connection });
    next.emit("accepted", { response: { call_id: "c2", from_tag: "a", to_tag: "b" } });
    next.emit("confirmed");
    expect(phone.read().talk).toMatchObject({ stage: "talking", cut: true });
    expect(connection.close).toHaveBeenCalledTimes(1);
    next.connection.turns("failed");
    await settled();
    expect(agent.calls[1]?.headers).toEqual(["Replaces: c2;to-tag=b;from-tag=a"]);
    const last = agent.calls[1]?.session as Session;
    last.emit("accepted", { response: { call_id: "c3", from_tag: "c", to_tag: "d" } });
    last.emit("confirmed");
    last.emit("ended", { cause: "Terminated", message: { getHeader: () => 'Q.850;cause=41;text="Temporary failure"' } });
    expect(phone.read()).toMatchObject({ talk: null, broken: "silent" });
  });

  it("leaves with its agent", async () => {
    const { phone } = made();
    const agent = await registered(phone);
    phone.follow(null);
    expect(agent.stop).toHaveBeenCalledTimes(1);
    expect(phone.read()).toMatchObject({ phase: "off", talk: null });
  });
});
