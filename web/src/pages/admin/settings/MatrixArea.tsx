import { Input, InputNumber } from "antd";
import { useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../../api/context";
import { hasRole } from "../../../api/session";
import { useWords } from "../../../i18n/useWords";
import { EmptyNotice, Failure, Loading } from "../../../ui/notices";
import { LiveTable, type Column } from "../../../ui/LiveTable";
import { useToasts } from "../../../ui/toasts";
import { usePageTitle } from "../../../ui/usePageTitle";
import { documentOf, matches, type Row } from "./kind";
import { AGENTS, SKILLS } from "./kinds";
import { useChanges, useListed } from "./useSettings";
import "./settings.css";

/** Who can do what, how well: agents × skills. A level is saved when its cell is left. */
export function MatrixArea() {
  const { t } = useTranslation();
  const agents = useListed(AGENTS.path);
  const skills = useListed(SKILLS.path);
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search.trim());
  const rows = useMemo(
    () => (agents.data?.items ?? []).filter((row) => wanted === "" || matches(row, wanted)),
    [agents.data, wanted],
  );
  const columns = useColumns(skills.data?.items ?? [], agents.data?.revisions ?? {});
  usePageTitle(t("admin.matrix"));
  const error = agents.error ?? skills.error;
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("admin.matrix")}</h2>
        <span className="count">{rows.length}</span>
        <span className="grow" />
        <Input
          size="small"
          className="setting-search"
          allowClear
          placeholder={t("settings.search")}
          aria-label={t("settings.search")}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
      </header>
      {error !== null ? (
        <Failure
          error={error}
          onRetry={() => {
            void agents.refetch();
            void skills.refetch();
          }}
        />
      ) : agents.data === undefined || skills.data === undefined ? (
        <Loading rows={6} />
      ) : (
        <LiveTable<Row>
          label={t("admin.matrix")}
          columns={columns}
          rows={rows}
          rowHeight={38}
          mark="data-matrix"
          empty={<EmptyNotice title={t("settings.noMatch")} hint={t("settings.noMatchHint")} />}
        />
      )}
    </section>
  );
}

function useColumns(skills: readonly Row[], revisions: Readonly<Record<string, string>>): readonly Column<Row>[] {
  const words = useWords();
  const may = hasRole(useMe(), ...AGENTS.changers);
  return useMemo(
    () => [
      { key: "id", title: words.name("settingField", "id"), heads: true, className: "num", cell: (row) => row.id, order: (a, b) => a.id.localeCompare(b.id) },
      { key: "name", title: words.name("settingField", "name"), cell: (row) => String(row.name) },
      ...skills.map((skill) => ({
        key: `skill ${skill.id}`,
        title: skill.id,
        order: (one: Row, other: Row) => levelOf(one, skill.id) - levelOf(other, skill.id),
        cell: (row: Row) => <Level row={row} skill={skill.id} revision={revisions[row.id] ?? ""} may={may} />,
      })),
    ],
    [words, skills, revisions, may],
  );
}

function levelOf(row: Row, skill: string): number {
  return (row.skills as Readonly<Record<string, number>>)[skill] ?? 0;
}

interface LevelProps {
  readonly row: Row;
  readonly skill: string;
  readonly revision: string;
  readonly may: boolean;
}

function Level({ row, skill, revision, may }: LevelProps) {
  const words = useWords();
  const toasts = useToasts();
  const { save } = useChanges(AGENTS.path);
  const known = levelOf(row, skill);
  const [level, setLevel] = useState<number | null>(null);
  const leave = () => {
    const wanted = level ?? known;
    if (wanted === known) {
      return;
    }
    const rest = Object.entries(row.skills as Readonly<Record<string, number>>).filter(([name]) => name !== skill);
    const skills = Object.fromEntries(wanted === 0 ? rest : [...rest, [skill, wanted] as const]);
    save.mutate(
      { id: row.id, document: { ...documentOf(AGENTS, row), skills }, revision },
      {
        onError: (error) => void toasts.error(words.problem(error)),
        onSettled: () => {
          setLevel(null);
        },
      },
    );
  };
  return (
    <InputNumber
      size="small"
      className="matrix-cell"
      min={0}
      max={10}
      precision={0}
      controls={false}
      aria-label={`${row.id} ${skill}`}
      value={level ?? (known === 0 ? null : known)}
      disabled={!may || save.isPending}
      onChange={(wanted) => {
        setLevel(wanted ?? 0);
      }}
      onBlur={leave}
      onPressEnter={leave}
    />
  );
}
