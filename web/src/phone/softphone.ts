/** The phone in the browser: registered for the agent's seat, with one call at a time, which outlives its page. */
import type { RTCSession } from "jssip/lib/RTCSession";
import type { RTCSessionEvent, UA } from "jssip/lib/UA";
import { ApiError } from "../api/problem";
import { BrowserCall, PEER, type End } from "./call";
import { Exclusive } from "./exclusive";
import { replacesHeader, type Dialog } from "./memory";
import { MicrophoneError, release, type MicrophoneProblem } from "./microphone";
import { OFF, type Account, type Named, type Parts, type PhoneState, type Talk } from "./model";
import type { Quality } from "./quality";

const REGISTER_SECONDS = 120;
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;

export class Softphone {
  private readonly parts: Parts;
  private readonly listeners = new Set<() => void>();
  private state: PhoneState = OFF;
  private seat: string | null = null;
  private place: Exclusive | null = null;
  private agent: UA | null = null;
  private account: Account | null = null;
  private call: BrowserCall | null = null;
  private dialog: (() => Dialog) | null = null;
  /** What is to be taken back: a call whose dialog was lost, or one that rang before the reload. */
  private kept: Dialog | null = null;
  private stream: Promise<MediaStream> | null = null;
  private quiet: (() => void) | null = null;
  /** The contact whose call its own user has just ordered. */
  private expected: string | null = null;
  private failures = 0;
  private calls = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private back: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  readonly read = (): PhoneState => this.state;

  /** Be the phone of a seat; null: of none. Saying the same again does nothing. */
  follow(seat: string | null): void {
    if (seat === this.seat) {
      return;
    }
    this.stop();
    this.seat = seat;
    if (seat !== null) {
      const place = new Exclusive(this.parts.locks, `ccplatform.phone.${seat}`, {
        granted: () => void this.start(seat),
        elsewhere: () => {
          this.yieldTo();
        },
      });
      this.place = place;
      void place.enter();
    }
  }

  /** Be the phone instead of the other tab, with its call. */
  takeOver(): void {
    void this.place?.enter(true);
  }

  /** Try again at once what failed. */
  tryAgain(): void {
    if (this.agent === null && this.seat !== null) {
      void this.start(this.seat);
    } else {
      void this.renew();
    }
  }

  /** Answer the call of this contact by itself: who ordered it has said that he wants it. */
  expect(contact: string | null): void {
    this.expected = contact;
  }

  async answer(): Promise<void> {
    const { talk } = this.state;
    if (talk?.stage !== "ringing") {
      return;
    }
    this.hush();
    this.talk({ stage: "answering" });
    if (this.call === null) {
      await this.takeBack();
      return;
    }
    const { call } = this;
    try {
      const stream = await (this.stream ??= this.parts.openMicrophone());
      this.set({ microphone: null });
      call.answer(stream);
    } catch (error) {
      this.stream = null;
      this.set({ microphone: problemOf(error) });
      this.talk({ stage: "ringing" });
    }
  }

  /** End a call that the desk does not know; those that it knows it ends itself. */
  hangUp(): void {
    this.call?.session.terminate();
  }

  mute(muted: boolean): void {
    this.call?.mute(muted);
    this.talk({ muted });
  }

  /** The microphone works after all, as a test has shown, or why it does not. */
  microphone(problem: MicrophoneProblem | null): void {
    this.set({ microphone: problem });
  }

  /** What was said of the last call was read. */
  noted(): void {
    this.set({ broken: null });
  }

  /** What rang before the reload rings no more. */
  settle(ringing: boolean): void {
    if (!ringing && this.call === null && this.state.talk?.stage === "ringing") {
      this.over();
    }
  }

  // --- registration ---------------------------------------------------------------------------------------

  private async start(seat: string): Promise<void> {
    clearTimeout(this.retry);
    this.set({ phase: "starting", problem: null });
    try {
      const [account, library] = await Promise.all([this.parts.account(seat), this.parts.library()]);
      if (this.seat === seat && this.state.phase === "starting") {
        this.register(library, account);
      }
    } catch (error) {
      const code = error instanceof ApiError ? error.code : "unreachable";
      this.set({ phase: code === "not_available" ? "refused" : "lost", problem: code });
      this.later(() => void this.start(seat));
    }
  }

  private register({ UA, WebSocketInterface }: Awaited<ReturnType<Parts["library"]>>, account: Account): void {
    this.account = account;
    const agent = new UA({
      sockets: [new WebSocketInterface(account.server) as never],
      uri: account.uri,
      authorization_user: account.user,
      password: account.password,
      instance_id: this.parts.instance,
      register_expires: REGISTER_SECONDS,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 8,
      session_timers: false, // the platform refreshes
    });
    this.agent = agent;
    agent.on("registered", () => {
      this.failures = 0;
      this.set({ phase: "ready", problem: null });
      this.remember();
    });
    agent.on("disconnected", () => {
      if (this.agent === agent && this.state.phase !== "elsewhere") {
        this.set({ phase: "lost", problem: "unreachable" });
      }
    });
    agent.on("registrationExpiring", () => void this.renew());
    agent.on("registrationFailed", () => {
      if (this.agent === agent && agent.isConnected()) {
        this.set({ phase: "lost", problem: "register" });
        this.later(() => void this.renew());
      }
    });
    agent.on("newRTCSession", (event: RTCSessionEvent) => {
      if ((event.originator as string) === "remote") {
        this.arrived(event.session, event.request as never);
      }
    });
    agent.start();
  }

  /** The account is short-lived: another one is asked for before each registration. */
  private async renew(): Promise<void> {
    const { agent, seat } = this;
    if (agent === null || seat === null) {
      return;
    }
    try {
      const account = await this.parts.account(seat);
      this.account = account;
      agent.set("authorization_user", account.user);
      agent.set("password", account.password);
      if (agent.isConnected()) {
        agent.register();
      }
    } catch (error) {
      this.set({ problem: error instanceof ApiError ? error.code : "unreachable" });
      this.later(() => void this.renew());
    }
  }

  private later(again: () => void): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(again, RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
  }

  /** Another tab is the phone. A call stays here until that tab has it: it is never ended for the change. */
  private yieldTo(): void {
    clearTimeout(this.retry);
    const { agent, call } = this;
    this.agent = null;
    this.set({ phase: "elsewhere", problem: null });
    if (call === null || this.dialog === null) {
      agent?.stop();
      this.over();
      return;
    }
    agent?.unregister();
    // The BYE of the dialog that is replaced goes to the tab that is registered now.
    const leave = this.parts.memory.onTaken(this.dialog(), () => {
      call.drop();
      this.over();
      agent?.stop();
    });
    call.session.on("ended", () => {
      leave();
      agent?.stop();
    });
  }

  private stop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.back);
    this.place?.exit();
    this.agent?.stop();
    this.place = this.agent = this.kept = null;
    this.hush();
    this.state = OFF;
    this.set({});
  }

  // --- the call -------------------------------------------------------------------------------------------

  private arrived(session: RTCSession, request: Named & { getHeader: (name: string) => string | undefined }): void {
    if (this.call !== null || this.seat === null) {
      session.terminate({ status_code: 486 });
      return;
    }
    const contact = request.getHeader("X-Contact-ID") ?? "";
    const dialog = { seat: this.seat, contact, callId: request.call_id, localTag: request.to_tag, remoteTag: request.from_tag };
    this.parts.memory.keep({ ...dialog, answered: false });
    this.call = new BrowserCall(session, this.watching(() => ({ ...dialog, answered: true })));
    this.set({ talk: { contact, stage: "ringing", muted: false, quality: null, cut: false }, broken: null });
    // Open by the time it is answered. Why it cannot be is said then.
    this.stream = this.parts.openMicrophone();
    this.stream.then(
      () => {
        this.set({ microphone: null });
      },
      (error: unknown) => {
        this.set({ microphone: problemOf(error) });
      },
    );
    const ordered = contact !== "" && contact === this.expected;
    this.expected = null;
    if (ordered || /^auto$/i.test(request.getHeader("Answer-Mode") ?? "")) {
      void this.answer(); // his own click called somebody
    } else {
      this.quiet = this.parts.ring();
    }
  }

  /** After a registration: take back the call that this seat's phone had, if any. */
  private remember(): void {
    const dialog = this.kept ?? (this.call === null && this.seat !== null ? this.parts.memory.of(this.seat) : null);
    if (dialog === null) {
      return;
    }
    this.kept = dialog;
    if (dialog.answered) {
      void this.takeBack();
    } else if (this.call === null) {
      this.set({ talk: { contact: dialog.contact, stage: "ringing", muted: false, quality: null, cut: false } });
      this.quiet = this.parts.ring();
    }
  }

  /** INVITE with Replaces (RFC 3891) in place of a dialog of this seat. */
  private async takeBack(): Promise<void> {
    const { agent, account, kept } = this;
    if (agent === null || account === null || kept === null) {
      return;
    }
    this.kept = null;
    const before = this.call;
    const { muted, cut } = this.state.talk ?? { muted: false, cut: false };
    this.set({ talk: { contact: kept.contact, stage: "returning", muted, quality: null, cut }, broken: null });
    const stream = await this.streamOrSilence();
    let dialog: Dialog = kept;
    const session = agent.call(account.uri, {
      mediaStream: stream,
      pcConfig: PEER,
      extraHeaders: [replacesHeader(kept)],
    });
    session.on("accepted", (event: unknown) => {
      const { call_id: callId, from_tag: localTag, to_tag: remoteTag } = (event as { readonly response: Named }).response;
      dialog = { ...kept, callId, localTag, remoteTag, answered: true };
      before?.drop();
    });
    const call = new BrowserCall(session, this.watching(() => dialog));
    call.uses(stream);
    this.call = call;
    session.on("failed", () => {
      if (this.state.talk === null) {
        before?.drop(); // nobody has its other end any more, and its microphone is open
      } else if (this.call === null) {
        this.call = before;
      }
    });
    if (muted) {
      call.mute(true);
    }
  }

  /** A call is taken back without a microphone too: the agent hears what is said, and reads what is wrong. */
  private async streamOrSilence(): Promise<MediaStream> {
    try {
      const stream = await this.parts.openMicrophone();
      this.set({ microphone: null });
      return stream;
    } catch (error) {
      this.set({ microphone: problemOf(error) });
      return new AudioContext().createMediaStreamDestination().stream;
    }
  }

  private watching(dialog: () => Dialog) {
    const number = ++this.calls;
    this.dialog = dialog;
    const mine = () => number === this.calls;
    return {
      confirmed: () => {
        this.parts.memory.keep(dialog());
        this.talk({ stage: "talking" });
      },
      quality: (quality: Quality) => {
        if (mine()) {
          this.talk({ quality });
        }
      },
      cut: (cut: boolean) => {
        if (mine() && this.state.talk?.cut !== cut) {
          this.talk({ cut });
        }
      },
      stuck: () => {
        if (mine() && this.kept === null) {
          this.kept = dialog();
          this.talk({ stage: "returning", quality: null });
          if (this.agent?.isRegistered() === true) {
            void this.takeBack();
          }
        }
      },
      ended: (how: End) => {
        if (mine()) {
          this.call = null; // otherwise its place was taken
          this.ended(how, dialog());
        }
      },
      soundBlocked: () => {
        this.set({ soundBlocked: true });
      },
    };
  }

  private ended(how: End, dialog: Dialog): void {
    const { stage, cut } = this.state.talk ?? {};
    if (how === "lost" && (stage === "talking" || stage === "returning")) {
      this.kept = dialog;
      this.talk({ stage: "returning", quality: null });
      if (this.state.phase !== "lost") { // with the connection it comes back by itself
        clearTimeout(this.back);
        this.back = setTimeout(() => void this.takeBack(), RETRY_MS[0]);
      }
      return;
    }
    this.over();
    this.set({ broken: how === "fault" ? (cut === true ? "silent" : "fault") : stage === "returning" ? "gone" : null });
  }

  private over(): void {
    clearTimeout(this.back);
    this.hush();
    this.kept = this.call = null;
    if (this.stream !== null) {
      void this.stream.then(release, () => undefined);
      this.stream = null;
    }
    if (this.state.phase !== "elsewhere") {
      this.parts.memory.forget(); // there it is the other tab's
    }
    this.set({ talk: null, soundBlocked: false });
  }

  private hush(): void {
    this.quiet?.();
    this.quiet = null;
  }

  private talk(change: Partial<Talk>): void {
    if (this.state.talk !== null) {
      this.set({ talk: { ...this.state.talk, ...change } });
    }
  }

  private set(change: Partial<PhoneState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) {
      listener();
    }
  }
}

function problemOf(error: unknown): MicrophoneProblem {
  return error instanceof MicrophoneError ? error.problem : "in_use";
}
