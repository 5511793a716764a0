// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ConfigProvider } from "antd";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi } from "../../../../api/client";
import { ServicesContext } from "../../../../api/context";
import { SessionStore } from "../../../../api/session";
import { startI18n } from "../../../../i18n";
import en from "../../../../i18n/simulator.en.json";
import zh from "../../../../i18n/simulator.zh.json";
import { actOf, FRESH, needsOf, nodeOn, wantedOf, waiting, withAct, type Act, type State } from "./session";
import { SimulatorPanel } from "./SimulatorPanel";
import { VoiceActivity } from "./voice";
import { wavOf } from "./wav";

configure({ asyncUtilTimeout: 20_000 }); // which only ends a run that fails

const FLOW = {
  flow: "till",
  languages: ["en"],
  nodes: {
    ask: { kind: "query", query: "balance", results: { sum: "total", who: "name" } },
    hours: { kind: "hours", calendar: "workdays" },
    who: { kind: "sub_flow", flow: "identify", results: { customer: "name" } },
    helper: { kind: "bot", bot: "helper" },
  },
};

describe("a session", () => {
  it("is the list of what was done", () => {
    expect(actOf(" 12# ")).toEqual({ keys: "12#" });
    expect(actOf("my balance")).toEqual({ says: [{ text: "my balance", confidence: 100 }] });
    expect(actOf("  ")).toBeNull();
    const acts = [waiting(2), waiting(3), { keys: "1" } as Act].reduce<readonly Act[]>(withAct, []);
    expect(acts).toEqual([{ waits: 5.002 }, { keys: "1" }]);
  });

  it("finds what it was told to find", () => {
    const needs = needsOf(FLOW);
    expect(needs).toEqual({ queries: { balance: ["total", "name"] }, calendars: ["workdays"], subFlows: { identify: ["name"] }, bots: true });
    const row = { gives: "row", row: { total: "7" } } as const;
    const wanted = wantedOf(FLOW, { ...FRESH, queries: { balance: row }, calendars: { workdays: "closed" } }, [], null);
    expect(wanted.queries).toEqual({ balance: [{ row: { total: "7" }, fails: false, takes: 0 }] });
    expect(wanted.calendars).toEqual({ workdays: [] });
    expect(wanted.live).toBe(false);
    expect(wanted).toMatchObject({ sub_flows: {}, bots: true });
    const results = { name: "Zhang" };
    const subFlows = { identify: { runs: "results", results }, part: { runs: "gone", results } } as const;
    const stubbed = wantedOf(FLOW, { ...FRESH, subFlows, bots: false }, [], null);
    expect(stubbed).toMatchObject({ sub_flows: { identify: { results, fails: false }, part: { results: {}, fails: true } }, bots: false });
    const source = { gives: "source", row: {} } as const;
    expect(wantedOf(FLOW, { ...FRESH, queries: { balance: source } }, [], null)).toMatchObject({ live: true, queries: {} });
  });

  it("is on the canvas where its own flow is", () => {
    const happenings = ["ask", "part/tell"].map((node) => ({ what: "entered", node }));
    expect(nodeOn({ happenings } as never)).toBe("ask");
  });
});

describe("the microphone", () => {
  const activity = (levels: readonly number[]) => {
    const voice = new VoiceActivity();
    return levels.map((level, index) => voice.take(level, index * 0.1, 0.8)).flatMap((heard, index) => (heard === "nothing" ? [] : [`${heard} ${String(index)}`]));
  };

  it("takes a voice for one, and no click", () => {
    const silence = Array<number>(10).fill(0.001);
    expect(activity([...silence, 0.2, ...silence])).toEqual([]);
    expect(activity([...silence, 0.2, 0.2, 0.2, 0.2, ...silence])).toEqual(["began 13", "ended 21"]);
  });

  it("learns how loud the room is", () => {
    const room = Array<number>(100).fill(0.009);
    expect(activity([...room, ...Array<number>(10).fill(0.02), ...room])).toEqual([]);
  });

  it("sends what recognisers take", () => {
    const wav = new DataView(wavOf(new Float32Array([0, 1, -2]), 16_000));
    expect(wav.byteLength).toBe(50);
    expect([wav.getUint32(24, true), wav.getInt16(46, true), wav.getInt16(48, true)]).toEqual([16_000, 32_767, -32_767]);
  });
});

function stateOf(part: Partial<State>): State {
  return {
    at: "2026-01-05T10:00:00+08:00",
    seconds: 1,
    local_time: "2026-01-05T10:00:01+08:00",
    node: "menu",
    happenings: [],
    variables: [],
    playing_seconds: 2,
    due_seconds: 2,
    awaited: { phase: "playing", keys: ["1"], secret: false, barge_in: true, language: null, phrases: null, pause: 0.8, bot: null },
    reached: "",
    outcome: null,
    cause: "",
    answered: [],
    recogniser: "yes",
    ...part,
  };
}

const line = (what: string, more: object = {}) => ({ at: 0, what, node: "menu", name: "", text: "", values: {}, sound: [], ...more });

describe.each(["en", "zh"] as const)("the panel in %s", (language) => {
  const words = language === "en" ? en : zh;
  const asked: { steps: Act[] }[] = [];
  let answers: (() => Response)[] = [];

  beforeEach(async () => {
    await startI18n(language);
    asked.length = 0;
    Element.prototype.scrollIntoView = () => undefined;
    vi.stubGlobal("fetch", async (request: Request) => {
      asked.push((await request.json()) as { steps: Act[] });
      return answers.shift()?.() ?? Response.json({}, { status: 500 });
    });
  });
  afterEach(() => {
    cleanup();
    vi.unstubAllGlobals();
    document.body.replaceChildren();
  });

  function open() {
    const session = new SessionStore(window.sessionStorage);
    session.begin("token", { user: "sup1", roles: ["supervisor"], agent: null } as never);
    const visited: (string | null)[] = [];
    const onVisit = (node: string | null) => {
      visited.push(node);
    };
    const view = render(
      <QueryClientProvider client={new QueryClient()}>
        <ServicesContext value={{ api: createApi(session), session }}>
          <ConfigProvider button={{ autoInsertSpace: false }}>
            <SimulatorPanel document={FLOW} onVisit={onVisit} />
          </ConfigProvider>
        </ServicesContext>
      </QueryClientProvider>,
    );
    return { visited, view };
  }

  it("walks the flow act by act, and says where the caller is", async () => {
    const begun = [line("entered"), line("said", { text: "Press 1." })];
    const gone = [...begun, line("pressed", { text: "1" }), line("ended", { text: "completed" })];
    answers = [
      () => Response.json(stateOf({ happenings: begun as never })),
      () => Response.json(stateOf({ happenings: gone as never, outcome: "completed", awaited: null, variables: [{ name: "card", value: "•", secret: true }] })),
    ];
    const { visited, view } = open();
    const user = userEvent.setup();
    expect(screen.getByText(words.empty)).toBeDefined();
    await user.click(screen.getByRole("button", { name: words.start }));
    await screen.findByText("Press 1.");
    expect(visited.at(-1)).toBe("menu");
    await user.type(screen.getByRole("textbox", { name: words.input }), "1{Enter}");
    await waitFor(() => {
      expect(asked.map(({ steps }) => steps)).toEqual([[], [{ keys: "1" }]]);
    });
    await screen.findByText("•••");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: words.hangUp }).disabled).toBe(true);
    view.unmount();
    expect(visited.at(-1)).toBeNull();
  });

  it("plays the voice bot", async () => {
    const bot = { bot: "helper", transfers: ["people"], variables: ["topic"] };
    const talk = [line("talk", { name: "helper" }), line("turn", { name: "bot", text: "How can I help?" }), line("turn", { name: "caller", text: "My card" })];
    const talking = stateOf({ happenings: talk as never, awaited: { phase: "talking", keys: [], secret: false, barge_in: false, language: null, phrases: null, pause: 0.8, bot } });
    const done = [...talk, line("talk", { name: "people", text: "transfer" })];
    answers = [() => Response.json(talking), () => Response.json(talking), () => Response.json(stateOf({ happenings: done as never }))];
    open();
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: words.start }));
    await screen.findByText(words.happened.spoke.replace("{{text}}", "My card"));
    await user.type(screen.getByRole("textbox", { name: words.bot.text }), "Hello{Enter}");
    await user.type(screen.getByRole("textbox", { name: words.bot.variable.replace("{{name}}", "topic") }), "card");
    await user.click(screen.getByRole("button", { name: words.bot.transfers.replace("{{to}}", "people") }));
    await screen.findByText(words.talkEnds.transfer, { exact: false });
    expect(asked.at(-1)?.steps).toEqual([{ bot: { says: "Hello", variables: {} } }, { bot: { transfers: "people", variables: { topic: "card" } } }]);
    expect(screen.queryByRole("textbox", { name: words.bot.text })).toBeNull();
  });

  it("says what has to be put right before", async () => {
    const problem = { code: "flow_invalid", detail: "wrong", errors: [{ where: "nodes.menu.next", why: "there is no node" }] };
    answers = [() => Response.json(problem, { status: 422 })];
    open();
    await userEvent.click(screen.getByRole("button", { name: words.start }));
    await screen.findByText(words.invalid);
    expect(screen.getByText("nodes.menu.next")).toBeDefined();
  });
});

describe("the words of the simulator", () => {
  const leaves = (tree: object): string[] =>
    Object.entries(tree).flatMap(([key, value]: [string, unknown]) => (typeof value === "object" && value !== null ? leaves(value).map((leaf) => `${key}.${leaf}`) : [key]));

  it("exist in both languages", () => {
    expect(leaves(zh).sort()).toEqual(leaves(en).sort());
  });
});
