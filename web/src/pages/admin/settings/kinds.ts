/** The kinds of settings as their pages show them. */
import { Answering } from "./Answering";
import { ArticleReadings } from "./ArticleReadings";
import type { KindPage } from "./kind";

const PLANNERS = ["supervisor", "admin"] as const;
const READERS = ["supervisor", "auditor", "admin"] as const;
const STRATEGIES = [
  "longest_idle",
  "round_robin",
  "top_down",
  "fewest_calls",
  "least_talk_time",
  "least_occupied",
  "random",
  "weighted_random",
  "best_skill",
  "ring_all",
  "ring_progressively",
] as const;
const CAUSES = ["full", "max_wait", "nobody", "closed"] as const;
const TARGETS = ["queue", "flow", "number", "voice_mail"] as const;
const name = { name: "name", type: "text", required: true } as const;
const position = { name: "position", type: "number", least: 1, most: 10_000 } as const;
const flow = { name: "flow", type: "choice", options: { kind: "flows" } } as const;
const calendar = { name: "calendar", type: "choice", options: { kind: "configuration/calendars" }, empty: true } as const;

export const AGENTS: KindPage = {
  name: "agents",
  path: "configuration/agents",
  readers: READERS,
  changers: PLANNERS,
  columns: ["name", "team", "skills", "position"],
  fresh: { name: "", team: "", skills: {}, position: 1000 },
  fields: [
    name,
    { name: "team", type: "choice", options: { kind: "configuration/teams" }, empty: true },
    { name: "skills", type: "levels", kind: "configuration/skills" },
    position,
  ],
};

export const TEAMS: KindPage = {
  name: "teams",
  path: "configuration/teams",
  readers: READERS,
  changers: PLANNERS,
  columns: ["name"],
  fresh: { name: "" },
  fields: [name],
};

export const SKILLS: KindPage = { ...TEAMS, name: "skills", path: "configuration/skills" };

export const QUEUES: KindPage = {
  name: "queues",
  path: "configuration/queues",
  readers: READERS,
  changers: PLANNERS,
  columns: ["name", "skill", "min_level", "strategy", "weight", "calendar", "max_waiting"],
  fresh: {
    name: "",
    skill: "",
    min_level: 1,
    requires: "",
    rings: [],
    strategy: "longest_idle",
    ring_seconds: 20,
    rung_at_most: 10,
    ring_more_seconds: 5,
    wrap_up_seconds: 10,
    weight: 0,
    capacity: 100,
    gives_way: false,
    service_level_seconds: 20,
    service_level_ratio: 0.8,
    max_waiting: 1000,
    max_wait_seconds: 0,
    overflows: [],
    calendar: "",
    music: "",
    whisper: "",
    after_talk: "",
    call_back: null,
  },
  fields: [
    name,
    { name: "skill", type: "choice", options: { kind: "configuration/skills" } },
    { name: "min_level", type: "number", least: 1, most: 10 },
    { name: "requires", type: "text" },
    {
      name: "rings",
      type: "rows",
      fresh: { after_seconds: 30, requires: "" },
      fields: [
        { name: "after_seconds", type: "number", least: 1, most: 86_400 },
        { name: "requires", type: "text" },
      ],
    },
    { name: "strategy", type: "choice", options: { words: "settingChoice", of: STRATEGIES } },
    { name: "ring_seconds", type: "number", least: 1, most: 600 },
    { name: "rung_at_most", type: "number", least: 1, most: 50, when: ringsMany },
    { name: "ring_more_seconds", type: "number", least: 1, most: 600, when: ringsMany },
    { name: "wrap_up_seconds", type: "number", least: 0, most: 3600 },
    { name: "weight", type: "number", least: -10, most: 10 },
    { name: "capacity", type: "number", least: 5, most: 100 },
    { name: "gives_way", type: "switch" },
    { name: "service_level_seconds", type: "number", least: 1, most: 3600 },
    { name: "service_level_ratio", type: "number", least: 0, most: 1, step: 0.01 },
    { name: "max_waiting", type: "number", least: 1, most: 100_000 },
    { name: "max_wait_seconds", type: "number", least: 0, most: 86_400 },
    {
      name: "overflows",
      type: "rows",
      fresh: { cause: "max_wait", kind: "queue", to: "" },
      fields: [
        { name: "cause", type: "choice", options: { words: "settingChoice", of: CAUSES } },
        { name: "kind", words: "target", type: "choice", options: { words: "settingChoice", of: TARGETS } },
        { name: "to", type: "text" },
      ],
    },
    calendar,
    { name: "music", type: "text" },
    { name: "whisper", type: "text" },
    { name: "after_talk", type: "choice", options: { kind: "flows" }, empty: true },
    {
      name: "call_back",
      type: "group",
      fresh: { trunk: "", first: "agent", caller: "", attempts: 3, pause_seconds: 300, ring_seconds: 40, expire_seconds: 86_400, calendar: "", prefixes: [] },
      fields: [
        { name: "trunk", type: "text" },
        { name: "first", type: "choice", options: { words: "settingChoice", of: ["agent", "customer"] } },
        { name: "caller", type: "text" },
        { name: "attempts", type: "number", least: 1, most: 20 },
        { name: "pause_seconds", type: "number", least: 10, most: 86_400 },
        { name: "ring_seconds", type: "number", least: 5, most: 120 },
        { name: "expire_seconds", type: "number", least: 60, most: 2_592_000 },
        { ...calendar, words: "calling_calendar" },
        { name: "prefixes", type: "texts" },
      ],
    },
  ],
};

export const SEATS: KindPage = {
  name: "seats",
  path: "configuration/seats",
  readers: ["supervisor", "maintainer", "auditor", "admin"],
  changers: ["maintainer", "admin"],
  columns: ["sip_user", "name", "phone", "caller", "pick_up_group"],
  fresh: { sip_user: "", name: "", phone: "desk", caller: "", pick_up_group: "", password: null },
  fields: [
    { name: "sip_user", type: "text" },
    { name: "name", type: "text" },
    { name: "phone", type: "choice", options: { words: "settingChoice", of: ["desk", "web"] } },
    { name: "caller", type: "text" },
    { name: "pick_up_group", type: "text" },
    { name: "password", type: "secret" },
  ],
};

export const NUMBERS: KindPage = {
  name: "numbers",
  path: "configuration/numbers",
  readers: ["supervisor", "maintainer", "auditor", "admin"],
  changers: PLANNERS,
  columns: ["flow", "calendar", "closed_flow"],
  fresh: { flow: "", calendar: "", closed_flow: "", rules: [] },
  fields: [
    {
      name: "rules",
      words: "number_rules",
      type: "rows",
      ordered: true,
      fresh: { flow: "", calendar: "", closed: false, start: null, end: null },
      fields: [
        flow,
        { name: "start", words: "rule_start", type: "instant" },
        { name: "end", words: "rule_end", type: "instant" },
        { ...calendar, words: "rule_calendar" },
        { name: "closed", words: "rule_closed", type: "switch", when: ({ calendar }) => calendar !== "" },
      ],
    },
    { ...flow, words: "else_flow" },
    calendar,
    { name: "closed_flow", type: "choice", options: { kind: "flows" }, empty: true },
  ],
  extra: Answering,
};

const NUMBER_CLASSES_OF = { words: "numberClass", of: ["internal", "local", "national", "international", "premium"] } as const;

export const NUMBER_CLASSES: KindPage = {
  name: "number-classes",
  path: "configuration/number-classes",
  readers: SEATS.readers,
  changers: SEATS.changers,
  columns: ["number_class"],
  fresh: { number_class: "national" },
  fields: [{ name: "number_class", type: "choice", options: NUMBER_CLASSES_OF }],
};

export const CALL_PERMISSIONS: KindPage = {
  name: "call-permissions",
  path: "configuration/call-permissions",
  readers: SEATS.readers,
  changers: SEATS.changers,
  columns: ["may", "caller"],
  fresh: { may: null, caller: "" },
  fields: [
    { name: "may", type: "choices", options: NUMBER_CLASSES_OF, empty: null },
    { name: "caller", type: "text" },
  ],
};

const WEEKDAYS = ["1", "2", "3", "4", "5", "6", "7"] as const;

export const RECORDING_RULES: KindPage = {
  name: "recording-rules",
  path: "configuration/recording-rules",
  readers: READERS,
  changers: ["admin"],
  columns: ["position", "mode", "queues", "agents", "dialled", "directions", "retention_days"],
  fresh: {
    position: 1000,
    mode: "full",
    queues: null,
    agents: null,
    teams: null,
    dialled: null,
    directions: null,
    percent: 100,
    windows: [],
    retention_days: null,
    announce: false,
  },
  fields: [
    { ...position, words: "rule_position" },
    { name: "mode", type: "choice", options: { words: "recordingMode", of: ["full", "scheduled", "random", "on_demand", "never"] } },
    { name: "percent", type: "number", least: 0, most: 100, step: 0.1 },
    { name: "queues", words: "recorded_queues", type: "choices", options: { kind: "configuration/queues" }, empty: null },
    { name: "teams", words: "recorded_teams", type: "choices", options: { kind: "configuration/teams" }, empty: null },
    { name: "agents", words: "recorded_agents", type: "choices", options: { kind: "configuration/agents" }, empty: null },
    { name: "dialled", words: "recorded_dialled", type: "texts", empty: null },
    { name: "directions", words: "recorded_directions", type: "choices", options: { words: "direction", of: ["inbound", "outbound", "internal"] }, empty: null },
    {
      name: "windows",
      type: "rows",
      fresh: { days: ["1", "2", "3", "4", "5"], start: "09:00", end: "18:00" },
      fields: [
        { name: "days", words: "week_days", type: "choices", options: { words: "weekday", of: WEEKDAYS } },
        { name: "start", words: "window_start", type: "text" },
        { name: "end", words: "window_end", type: "text" },
      ],
    },
    { name: "retention_days", type: "number", least: 31, most: 36_500, empty: true },
    { name: "announce", type: "switch" },
  ],
};

export const USERS: KindPage = {
  name: "users",
  path: "configuration/users",
  readers: ["auditor", "admin"],
  changers: ["admin"],
  columns: ["roles", "agent", "teams", "locked", "must_change"],
  fresh: { roles: ["agent"], agent: null, teams: [], locked: false, password: null, pin: null },
  fields: [
    { name: "roles", type: "choices", options: { words: "role", of: ["agent", "supervisor", "auditor", "maintainer", "admin"] } },
    { name: "agent", type: "choice", options: { kind: "configuration/agents" }, empty: null },
    { name: "teams", type: "choices", options: { kind: "configuration/teams" } },
    { name: "locked", type: "switch" },
    { name: "password", type: "secret" },
    { name: "pin", type: "secret" },
  ],
};

export const CALENDARS: KindPage = {
  name: "calendars",
  path: "configuration/calendars",
  readers: READERS,
  changers: PLANNERS,
  columns: ["zone", "week", "days", "make_up_days"],
  fresh: { zone: "Asia/Shanghai", week: workingWeek(), days: {}, make_up_days: {}, holidays: [] },
  fields: [
    { name: "zone", type: "text" },
    { name: "week", type: "week" },
    { name: "days", words: "single_days", type: "year" },
  ],
  begin: "holidays",
};

export const REASONS: KindPage = {
  ...TEAMS,
  name: "reasons",
  path: "configuration/reasons",
  columns: ["name", "position"],
  fresh: { name: "", position: 1000 },
  fields: [name, position],
};

export const DISPOSITIONS: KindPage = {
  ...REASONS,
  name: "dispositions",
  path: "configuration/dispositions",
  columns: ["name", "position", "queues"],
  fresh: { name: "", position: 1000, queues: [] },
  fields: [name, position, { name: "queues", type: "choices", options: { kind: "configuration/queues" } }],
};

export const ARTICLES: KindPage = {
  name: "articles",
  path: "configuration/articles",
  readers: READERS,
  changers: PLANNERS,
  columns: ["title", "urgent", "teams", "queues", "since", "until"],
  fresh: { title: "", text: "", urgent: false, teams: [], queues: [], since: null, until: null },
  fields: [
    { name: "title", type: "text", required: true },
    { name: "text", type: "text", long: true },
    { name: "urgent", type: "switch" },
    { name: "teams", words: "article_teams", type: "choices", options: { kind: "configuration/teams" } },
    { name: "queues", words: "article_queues", type: "choices", options: { kind: "configuration/queues" } },
    { name: "since", words: "article_since", type: "instant" },
    { name: "until", words: "article_until", type: "instant" },
  ],
  extra: ArticleReadings,
};

export const CRM_LINKS: KindPage = {
  name: "crm-links",
  path: "configuration/crm-links",
  readers: READERS,
  changers: ["admin"],
  columns: ["name", "url", "queues", "position"],
  fresh: { name: "", url: "", queues: [], position: 1000 },
  fields: [
    name,
    { name: "url", type: "text", required: true },
    { name: "queues", words: "desk_queues", type: "choices", options: { kind: "configuration/queues" } },
    position,
  ],
};

export const SCRIPTS: KindPage = {
  name: "scripts",
  path: "configuration/scripts",
  readers: READERS,
  changers: ["admin"],
  columns: ["name", "queues", "position"],
  fresh: { name: "", steps: [{ title: "", text: "" }], queues: [], position: 1000 },
  fields: [
    name,
    {
      name: "steps",
      type: "rows",
      ordered: true,
      fresh: { title: "", text: "" },
      fields: [
        { name: "title", words: "step_title", type: "text", required: true },
        { name: "text", words: "step_text", type: "text", long: true },
      ],
    },
    { name: "queues", words: "script_queues", type: "choices", options: { kind: "configuration/queues" } },
    position,
  ],
};

const SPAN = [
  { name: "start", words: "window_start", type: "text", required: true },
  { name: "end", words: "window_end", type: "text", required: true },
] as const;

/** Exchanged as a whole; single cards are the desk's. */
export const CUSTOMERS: KindPage = {
  name: "customers",
  path: "customers",
  readers: PLANNERS,
  changers: PLANNERS,
  columns: [],
  fresh: {},
  fields: [],
};

export const SHIFTS: KindPage = {
  name: "shifts",
  path: "configuration/shifts",
  readers: READERS,
  changers: PLANNERS,
  columns: ["agent", "day", "start", "end", "activities"],
  fresh: { agent: "", day: "", start: "09:00", end: "18:00", zone: "", activities: [] },
  fields: [
    { name: "agent", type: "choice", options: { kind: "configuration/agents" } },
    { name: "day", words: "shift_day", type: "text", required: true },
    ...SPAN,
    { name: "zone", type: "text" },
    {
      name: "activities",
      type: "rows",
      fresh: { reason: "", start: "12:00", end: "13:00" },
      fields: [{ name: "reason", words: "pause_reason", type: "choice", options: { kind: "configuration/reasons" }, empty: true }, ...SPAN],
    },
  ],
};

function ringsMany(draft: Readonly<Record<string, unknown>>): boolean {
  return draft.strategy === "ring_all" || draft.strategy === "ring_progressively";
}

function workingWeek(): Record<string, readonly { start: string; end: string }[]> {
  return Object.fromEntries([0, 1, 2, 3, 4].map((day) => [String(day), [{ start: "09:00:00", end: "18:00:00" }]]));
}

const NUMBER_RULES = {
  type: "rows",
  fresh: { prefix: "", shortest: 1, longest: 64, strip: 0, add: "" },
  fields: [
    { name: "prefix", type: "text" },
    { name: "shortest", type: "number", least: 1, most: 64 },
    { name: "longest", type: "number", least: 1, most: 64 },
    { name: "strip", type: "number", least: 0, most: 64 },
    { name: "add", type: "text" },
  ],
} as const;

export const TRUNKS: KindPage = {
  name: "trunks",
  path: "trunks",
  readers: ["supervisor", "maintainer", "admin"],
  changers: ["maintainer", "admin"],
  columns: [],
  fresh: {
    peers: [],
    host: null,
    port: null,
    transport: "UDP",
    backups: [],
    capacity: 30,
    capacity_in: null,
    capacity_out: null,
    direction: "both",
    proof: "ip",
    account: null,
    password: null,
    domain: "",
    registration: null,
    numbers_in: [],
    numbers_out: [],
    caller: { number: "", only_own: false, asserted: "none" },
    callers_out: [],
    probe_seconds: 0,
    trusted: false,
    transfer: "bridge",
  },
  fields: [
    { name: "direction", words: "trunk_direction", type: "choice", options: { words: "settingChoice", of: ["both", "in", "out"] } },
    { name: "host", type: "text", empty: null },
    { name: "port", type: "number", least: 1, most: 65_535, empty: true },
    { name: "transport", type: "choice", options: { words: "settingChoice", of: ["UDP", "TCP", "TLS"] }, empty: null },
    { name: "backups", type: "texts" },
    { name: "peers", type: "texts" },
    { name: "proof", type: "choice", options: { words: "settingChoice", of: ["ip", "digest", "both"] } },
    { name: "account", type: "text", empty: null },
    { name: "password", type: "secret" },
    { name: "domain", type: "text" },
    { name: "registration", type: "group", fresh: { seconds: 3600 }, fields: [{ name: "seconds", type: "number", least: 60, most: 86_400 }] },
    { name: "capacity", words: "channels", type: "number", least: 1, most: 100_000 },
    { name: "capacity_in", type: "number", least: 0, most: 100_000, empty: true },
    { name: "capacity_out", type: "number", least: 0, most: 100_000, empty: true },
    { name: "probe_seconds", type: "number", least: 0, most: 3600 },
    { name: "trusted", type: "switch" },
    { name: "transfer", words: "trunk_transfer", type: "choice", options: { words: "settingChoice", of: ["bridge", "refer"] } },
    { name: "numbers_in", ...NUMBER_RULES },
    { name: "numbers_out", ...NUMBER_RULES },
    {
      name: "caller",
      words: "caller_rules",
      type: "group",
      always: true,
      fresh: { number: "", only_own: false, asserted: "none" },
      fields: [
        { name: "number", words: "own_number", type: "text" },
        { name: "only_own", type: "switch" },
        { name: "asserted", type: "choice", options: { words: "settingChoice", of: ["none", "P-Asserted-Identity", "P-Preferred-Identity"] } },
      ],
    },
    {
      name: "callers_out",
      type: "rows",
      fresh: { dialled: "", prefix: "", hidden: false, number: "", strip: 0, add: "" },
      fields: [
        { name: "dialled", words: "dialled_prefix", type: "text" },
        { name: "prefix", words: "caller_prefix", type: "text" },
        { name: "hidden", words: "caller_hidden", type: "switch" },
        { name: "number", words: "caller_shown", type: "text" },
        { name: "strip", type: "number", least: 0, most: 64 },
        { name: "add", type: "text" },
      ],
    },
  ],
};
