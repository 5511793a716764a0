import { Input, Select, Table, type InputRef, type TableColumnsType } from "antd";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/context";
import { hasRole } from "../../api/session";
import { useWords, type Words } from "../../i18n/useWords";
import { useAgents, useCallsByContact } from "../../live/context";
import { AGENT_STATES, type Agent, type AgentState, type Call } from "../../live/types";
import { useKey } from "../../ui/keys";
import { EmptyNotice } from "../../ui/notices";
import { StateWord } from "../../ui/StateMark";
import { Timer } from "../../ui/Timer";
import { NOTHING } from "../../ui/format";
import { AgentActions } from "./AgentActions";

interface Row extends Agent {
  readonly call: Call | null;
}

export function AgentsPanel() {
  const { t } = useTranslation();
  const words = useWords();
  const me = useMe();
  const agents = useAgents();
  const calls = useCallsByContact();
  const [search, setSearch] = useState("");
  const [state, setState] = useState<AgentState | "all" | "signed_in">("all");
  const field = useRef<InputRef>(null);
  useKey("/", t("agents.search"), () => {
    field.current?.focus();
  });
  const mayForce = hasRole(me, "supervisor", "admin");
  const columns = useMemo(() => columnsOf(t, words, mayForce), [t, words, mayForce]);
  const rows = useMemo<Row[]>(
    () =>
      agents
        .filter((agent) => fits(agent, search, state))
        .map((agent) => ({ ...agent, call: agent.contact === null ? null : (calls.get(agent.contact) ?? null) })),
    [agents, calls, search, state],
  );
  return (
    <section className="panel agents-panel" aria-labelledby="agents-title">
      <header className="panel-head">
        <h2 id="agents-title">{t("agents.title")}</h2>
        <span className="count">{agents.length}</span>
        <span className="grow" />
        <Select<AgentState | "all" | "signed_in">
          size="small"
          variant="filled"
          aria-label={t("agents.filterState")}
          value={state}
          onChange={setState}
          popupMatchSelectWidth={false}
          options={[
            { value: "all", label: t("agents.allStates") },
            { value: "signed_in", label: t("agents.signedIn") },
            ...AGENT_STATES.map((each) => ({ value: each, label: t(`state.${each}`) })),
          ]}
        />
        <Input
          ref={field}
          size="small"
          variant="filled"
          allowClear
          className="agent-search"
          aria-label={t("agents.search")}
          aria-keyshortcuts="/"
          placeholder={`${t("agents.search")}  /`}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
      </header>
      <div className="live-figure">
        <Table<Row>
          size="small"
          rowKey="id"
          columns={columns}
          dataSource={rows}
          pagination={false}
          scroll={{ x: "max-content" }}
          showSorterTooltip={false}
          onRow={(row) => ({ "data-agent": row.id }) as React.HTMLAttributes<HTMLElement>}
          locale={{ emptyText: <EmptyNotice title={t("agents.none")} hint={t("agents.noneHint")} /> }}
        />
      </div>
    </section>
  );
}

type Translate = ReturnType<typeof useTranslation>["t"];

function columnsOf(t: Translate, words: Words, mayForce: boolean): TableColumnsType<Row> {
  return [
    {
      title: t("agents.number"),
      dataIndex: "id",
      className: "num",
      sorter: (one, other) => one.id.localeCompare(other.id, undefined, { numeric: true }),
      rowScope: "row",
    },
    { title: t("agents.name"), dataIndex: "name" },
    {
      title: t("agents.state"),
      key: "state",
      width: 190,
      sorter: (one, other) => AGENT_STATES.indexOf(one.state) - AGENT_STATES.indexOf(other.state),
      render: (_value, row) => (
        <StateWord state={row.state} reason={row.reason === "" ? "" : words.name("reason", row.reason)} />
      ),
    },
    {
      title: t("agents.since"),
      dataIndex: "since",
      align: "right",
      width: 72,
      render: (since: string | null, row) => (row.state === "signed_out" ? NOTHING : <Timer since={since} />),
    },
    { title: t("agents.seat"), dataIndex: "seat", className: "num", width: 84, render: (seat: string | null) => seat ?? NOTHING },
    { title: t("agents.call"), key: "call", className: "num", width: 120, render: (_value, row) => row.call?.caller ?? NOTHING },
    { title: t("agents.team"), dataIndex: "team", render: (team: string) => (team === "" ? NOTHING : words.name("team", team)) },
    {
      title: t("agents.skills"),
      key: "skills",
      render: (_value, row) => (
        <span className="skills">
          {Object.entries(row.skills)
            .sort(([, one], [, other]) => other - one)
            .map(([skill, level]) => (
              <span key={skill}>
                {skill} <b className="num">{level}</b>
              </span>
            ))}
        </span>
      ),
    },
    ...(mayForce
      ? [
          {
            title: <span className="sr-only">{t("agents.actions")}</span>,
            key: "actions",
            width: 40,
            render: (_value: unknown, row: Row) => <AgentActions agent={row} />,
          },
        ]
      : []),
  ];
}

function fits(agent: Agent, search: string, state: AgentState | "all" | "signed_in"): boolean {
  const wanted = state === "all" || (state === "signed_in" ? agent.state !== "signed_out" : agent.state === state);
  const text = [agent.id, agent.name, agent.team, agent.seat ?? "", ...Object.keys(agent.skills)].join(" ");
  return wanted && text.toLowerCase().includes(search.trim().toLowerCase());
}
