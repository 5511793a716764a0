import type { InputRef } from "antd";
import { useMemo, useRef, useState } from "react";
import type { ParseKeys } from "i18next";
import { useTranslation } from "react-i18next";
import { useReasons } from "../../agents/useReasons";
import { useMe } from "../../api/context";
import { hasRole, seesAgent } from "../../api/session";
import { useWords } from "../../i18n/useWords";
import { useAgents, useCallsByContact } from "../../live/context";
import { AGENT_STATES, type Agent, type Call } from "../../live/types";
import { DrillLink } from "../../ui/DrillLink";
import { contactsAddress, midnight, storyAddress } from "../../ui/drill";
import { NOTHING } from "../../ui/format";
import { useKey } from "../../ui/keys";
import { Input } from "../../ui/input";
import { LiveTable, type Column } from "../../ui/LiveTable";
import { EmptyNotice } from "../../ui/notices";
import { StateWord } from "../../ui/StateMark";
import { Timer } from "../../ui/Timer";
import { AgentActions } from "./AgentActions";
import { useAdherence } from "./useAdherence";

interface Row extends Agent {
  readonly call: Call | null;
  /** Share of the planned time of today that was kept; null: nothing was planned. */
  readonly adherence: number | null;
}

/** Of a key, its text: all that `t` may give is more than the compiler works out for a whole list of titles. */
type Translate = (key: ParseKeys, values?: Readonly<Record<string, string | number>>) => string;

export function AgentsPanel() {
  const t = useTranslation().t as unknown as Translate;
  const { nameOf } = useReasons();
  const me = useMe();
  const all = useAgents();
  const agents = useMemo(() => all.filter((agent) => seesAgent(me, agent)), [all, me]);
  const calls = useCallsByContact();
  const [search, setSearch] = useState("");
  const field = useRef<InputRef>(null);
  useKey("/", t("agents.search"), () => {
    field.current?.focus();
  });
  const mayForce = hasRole(me, "supervisor", "admin");
  const { percent } = useWords();
  const adherence = useAdherence(hasRole(me, "supervisor", "auditor", "admin"));
  const planned = adherence.size > 0;
  const columns = useMemo(
    () => columnsOf(t, nameOf, percent, mayForce).filter(({ key }) => planned || key !== "adherence"),
    [t, nameOf, percent, mayForce, planned],
  );
  const rows = useMemo<Row[]>(
    () =>
      agents
        .filter((agent) => fits(agent, search, t))
        .map((agent) => ({
          ...agent,
          call: agent.contact === null ? null : (calls.get(agent.contact) ?? null),
          adherence: adherence.get(agent.id) ?? null,
        })),
    [agents, calls, adherence, search, t],
  );
  const signedIn = agents.filter((agent) => agent.state !== "signed_out").length;
  return (
    <section className="panel agents-panel" aria-labelledby="agents-title">
      <header className="panel-head">
        <h2 id="agents-title">{t("agents.title")}</h2>
        <span className="count">{t("agents.signedInOf", { signedIn, all: agents.length })}</span>
        <span className="grow" />
        <Input
          ref={field}
          size="small"
          variant="filled"
          allowClear
          className="agent-search"
          aria-label={t("agents.search")}
          aria-keyshortcuts="/"
          placeholder={t("agents.searchHint")}
          suffix={search === "" ? <kbd aria-hidden="true">/</kbd> : undefined}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
      </header>
      <div className="live-figure">
        <LiveTable<Row>
          label={t("agents.title")}
          mark="data-agent"
          columns={columns}
          rows={rows}
          rowHeight={34}
          empty={<EmptyNotice title={t("agents.none")} hint={t("agents.noneHint")} />}
        />
      </div>
    </section>
  );
}

function columnsOf(
  t: Translate,
  reasonName: (id: string) => string,
  percent: (share: number) => string,
  mayForce: boolean,
): Column<Row>[] {
  return [
    {
      key: "id",
      title: t("agents.number"),
      heads: true,
      className: "num",
      cell: (row) => (
        <DrillLink to={contactsAddress({ agent: row.id, from: midnight(new Date()) })} title={t("drill.contacts")}>
          {row.id}
        </DrillLink>
      ),
      order: (one, other) => one.id.localeCompare(other.id, undefined, { numeric: true }),
    },
    { key: "name", title: t("agents.name"), cell: (row) => row.name },
    {
      key: "state",
      title: t("agents.state"),
      className: "state-cell",
      cell: (row) => <StateWord state={row.state} reason={reasonName(row.reason)} />,
      order: (one, other) => AGENT_STATES.indexOf(one.state) - AGENT_STATES.indexOf(other.state),
    },
    {
      key: "since",
      title: t("agents.since"),
      className: "right",
      cell: (row) => (row.state === "signed_out" ? NOTHING : <Timer since={row.since} />),
      order: (one, other) => (one.since ?? "~").localeCompare(other.since ?? "~"),
    },
    {
      key: "adherence",
      title: <span title={t("agents.adherenceHint")}>{t("agents.adherence")}</span>,
      className: "num right",
      cell: (row) => (row.adherence === null ? NOTHING : percent(row.adherence)),
      order: (one, other) => (one.adherence ?? 2) - (other.adherence ?? 2),
    },
    { key: "seat", title: t("agents.seat"), className: "num", cell: (row) => row.seat ?? NOTHING },
    { key: "call", title: t("agents.call"), className: "num call-cell", cell: (row) => row.call === null ? NOTHING : (
        <DrillLink to={storyAddress(row.call.contact)} title={t("drill.story")}>
          {row.call.caller}
        </DrillLink>
      ),
    },
    { key: "team", title: t("agents.team"), cell: (row) => (row.team === "" ? NOTHING : row.team) },
    { key: "skills", title: t("agents.skills"), cell: (row) => <Skills skills={row.skills} /> },
    ...(mayForce
      ? [
          {
            key: "actions",
            title: <span className="sr-only">{t("agents.actions")}</span>,
            className: "action-cell",
            cell: (row: Row) => <AgentActions agent={row} />,
          },
        ]
      : []),
  ];
}

function Skills({ skills }: { readonly skills: Agent["skills"] }) {
  return (
    <span className="skills">
      {Object.entries(skills)
        .sort(([, one], [, other]) => other - one)
        .map(([skill, level]) => (
          <span key={skill}>
            {skill} <b className="num">{level}</b>
          </span>
        ))}
    </span>
  );
}

function fits(agent: Agent, search: string, t: Translate): boolean {
  const words = search.trim().toLowerCase().split(/\s+/);
  const text = [
    agent.id,
    agent.name,
    agent.team,
    agent.seat ?? "",
    t(`state.${agent.state}`),
    ...Object.keys(agent.skills),
  ]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}
