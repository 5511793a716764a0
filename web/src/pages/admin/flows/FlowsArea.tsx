import { useQueryClient } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { useDeferredValue, useMemo, useState } from "react";
import { Link } from "react-router";
import { useMe } from "../../../api/context";
import { hasRole } from "../../../api/session";
import { useWords } from "../../../i18n/useWords";
import { KeyCap, useKey } from "../../../ui/keys";
import { LiveTable, type Column } from "../../../ui/LiveTable";
import { EmptyNotice, Failure, Loading } from "../../../ui/notices";
import { useToasts } from "../../../ui/toasts";
import { usePageTitle } from "../../../ui/usePageTitle";
import { compare, type Item, type KindPage } from "../settings/kind";
import { RemoveButton } from "../settings/RemoveButton";
import { useListed } from "../settings/useSettings";
import { ImportFlow } from "./ImportFlow";
import { NewFlow } from "./NewFlow";
import { Recordings } from "./Recordings";
import { download, useFlowList, useFlows, type Summary } from "./useFlows";
import { fill } from "../../../i18n/places";
import { useFlowWords } from "./words";
import "../settings/settings.css";
import "./flows.css";

export const FLOW_CHANGERS = ["supervisor", "admin"] as const;
const ROW_HEIGHT = 40;

/** What removing a flow needs to know of it as a kind of setting. */
const KIND: KindPage = {
  name: "flows",
  path: "flows",
  readers: ["supervisor", "maintainer", "auditor", "admin"],
  changers: FLOW_CHANGERS,
  columns: [],
  fields: [],
  fresh: {},
};

type Row = Summary & { readonly numbers: readonly string[] };

/** Every flow: what is in service, what is a draft, and which numbers lead to it. */
export function FlowsArea() {
  const words = useFlowWords();
  const may = hasRole(useMe(), ...FLOW_CHANGERS);
  const listed = useFlowList();
  const numbers = useListed("configuration/numbers");
  const [search, setSearch] = useState("");
  const [making, setMaking] = useState(false);
  const [heard, setHeard] = useState<string | null>(null);
  const wanted = useDeferredValue(search.trim().toLowerCase());
  const rows = useMemo(() => rowsOf(listed.data ?? [], numbers.data?.items ?? [], wanted), [listed.data, numbers.data, wanted]);
  const columns = useColumns(may, setHeard);
  usePageTitle(words.list.title);
  useKey("n", words.list.new, () => {
    setMaking(true);
  }, may);
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{words.list.title}</h2>
        <span className="count">{rows.length}</span>
        <span className="grow" />
        <Input
          size="small"
          className="flow-search"
          allowClear
          placeholder={words.list.search}
          aria-label={words.list.search}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
        <ImportFlow may={may} />
        <Button
          size="small"
          type="primary"
          disabled={!may}
          title={may ? undefined : words.list.mayNot}
          aria-keyshortcuts="n"
          onClick={() => {
            setMaking(true);
          }}
        >
          {words.list.new}
          <KeyCap keys="n" />
        </Button>
      </header>
      {listed.error !== null && listed.data === undefined ? (
        <Failure error={listed.error} onRetry={() => void listed.refetch()} />
      ) : listed.data === undefined ? (
        <Loading rows={6} />
      ) : (
        <LiveTable<Row>
          label={words.list.title}
          columns={columns}
          rows={rows}
          rowHeight={ROW_HEIGHT}
          mark="data-flow"
          empty={
            wanted === "" ? (
              <EmptyNotice title={words.list.none} hint={words.list.noneHint} />
            ) : (
              <EmptyNotice title={words.list.noMatch} hint={words.list.noMatchHint} />
            )
          }
        />
      )}
      {heard === null ? null : (
        <Recordings
          flow={heard}
          may={may}
          onClose={() => {
            setHeard(null);
          }}
        />
      )}
      {making ? (
        <NewFlow
          taken={(listed.data ?? []).map(({ id }) => id)}
          onClose={() => {
            setMaking(false);
          }}
        />
      ) : null}
    </section>
  );
}

/** Which numbers lead to a flow, now or by a rule; and the rows that have the search in them. */
function rowsOf(flows: readonly Summary[], numbers: readonly Item[], wanted: string): Row[] {
  const found = new Map<string, string[]>();
  for (const number of numbers) {
    const rules = Array.isArray(number.rules) ? (number.rules as readonly Item[]) : [];
    for (const flow of new Set([number.flow, number.closed_flow, ...rules.map((rule) => rule.flow)])) {
      if (typeof flow === "string" && flow !== "") {
        found.set(flow, [...(found.get(flow) ?? []), String(number.id)]);
      }
    }
  }
  return flows
    .map((flow) => ({ ...flow, numbers: found.get(flow.id) ?? [] }))
    .filter((row) => wanted === "" || `${row.id} ${row.title} ${row.numbers.join(" ")}`.toLowerCase().includes(wanted));
}

function useColumns(may: boolean, onRecordings: (flow: string) => void): readonly Column<Row>[] {
  const words = useFlowWords();
  const { dateTime } = useWords();
  return useMemo(() => {
    const told = (at: string | null, who: string | null) =>
      at === null ? null : <span className="quiet">{fill(words.list.by, { when: dateTime(at), who: who ?? "" })}</span>;
    return [
      {
        key: "id",
        title: words.list.name,
        heads: true,
        order: (one, other) => compare(one.id, other.id),
        cell: (row) => (
          <span className="flow-name">
            <Link to={`/admin/flows/of/${encodeURIComponent(row.id)}`}>{row.id}</Link>
            <span className="quiet">{row.title}</span>
          </span>
        ),
      },
      {
        key: "version",
        title: words.list.version,
        order: (one, other) => compare(one.version, other.version),
        cell: (row) =>
          row.version === null ? (
            <span className="quiet">{words.list.never}</span>
          ) : (
            <span className="flow-when">
              <b className="num">{row.version}</b> {told(row.published_at, row.published_by)}
            </span>
          ),
      },
      {
        key: "draft",
        title: words.list.draft,
        order: (one, other) => compare(one.changed_at, other.changed_at),
        cell: (row) =>
          row.changed_at === null ? (
            <span className="quiet">{words.list.unchanged}</span>
          ) : (
            <span className="flow-when">
              <span className="flow-draft">{words.list.draft}</span> {told(row.changed_at, row.changed_by)}
            </span>
          ),
      },
      { key: "numbers", title: words.list.numbers, cell: (row) => <span className="num">{row.numbers.join(", ")}</span> },
      { key: "actions", title: words.list.actions, className: "right", cell: (row) => <RowActions row={row} may={may} onRecordings={onRecordings} /> },
    ];
  }, [words, dateTime, may, onRecordings]);
}

interface ActionProps {
  readonly row: Row;
  readonly may: boolean;
  readonly onRecordings: (flow: string) => void;
}

function RowActions({ row, may, onRecordings }: ActionProps) {
  const words = useFlowWords();
  const { problem } = useWords();
  const flows = useFlows();
  const toasts = useToasts();
  const queries = useQueryClient();
  return (
    <span className="row-actions flow-actions">
      <Button
        size="small"
        type="text"
        onClick={() => {
          onRecordings(row.id);
        }}
      >
        {words.recordings.title}
      </Button>
      <Button
        size="small"
        type="text"
        onClick={() => {
          flows.exported(row.id, "draft").then(
            (file) => {
              download(file, `${row.id}.yaml`);
            },
            (error: unknown) => void toasts.error(problem(error)),
          );
        }}
      >
        {words.list.export}
      </Button>
      <RemoveButton
        kind={KIND}
        id={row.id}
        revision={null}
        may={may}
        onDone={() => {
          void toasts.info(fill(words.list.removed, { name: row.id }));
          void queries.invalidateQueries({ queryKey: ["flows"] });
        }}
      />
    </span>
  );
}
