import { Button, Input } from "antd";
import { useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Route, Routes, useNavigate } from "react-router";
import { useMe } from "../../../api/context";
import { hasRole } from "../../../api/session";
import { useWords } from "../../../i18n/useWords";
import { EmptyNotice, Failure, Loading } from "../../../ui/notices";
import { KeyCap, useKey } from "../../../ui/keys";
import { LiveTable, type Column } from "../../../ui/LiveTable";
import { usePageTitle } from "../../../ui/usePageTitle";
import { Cell } from "./Cell";
import { Exchange } from "./Exchange";
import { compare, matches, type KindPage, type Row } from "./kind";
import { SettingDrawer } from "./SettingDrawer";
import { useListed } from "./useSettings";
import "./settings.css";

const ROW_HEIGHT = 36;

/** One kind of setting: its list, and the drawer with form and history. */
export function SettingsArea({ kind, extra }: { readonly kind: KindPage; readonly extra?: React.ReactNode }) {
  const { t } = useTranslation();
  const words = useWords();
  const navigate = useNavigate();
  const may = hasRole(useMe(), ...kind.changers);
  const title = words.name("settingKind", kind.name);
  const listed = useListed(kind.path);
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search.trim());
  const rows = useMemo(
    () => (listed.data?.items ?? []).filter((row) => wanted === "" || matches(row, wanted)),
    [listed.data, wanted],
  );
  const columns = useColumns(kind);
  const base = `/admin/${kind.name}`;
  const add = () => void navigate(`${base}/new`);
  usePageTitle(title);
  useKey("n", t("settings.new"), add, may);
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{title}</h2>
        <span className="count">{rows.length}</span>
        <span className="grow" />
        {extra}
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
        {kind.sheet === true ? <Exchange kind={kind} may={may} /> : null}
        <Button
          size="small"
          type="primary"
          disabled={!may}
          title={may ? undefined : t("notice.noPermission")}
          aria-keyshortcuts="n"
          onClick={add}
        >
          {t("settings.new")}
          <KeyCap keys="n" />
        </Button>
      </header>
      {listed.error !== null && listed.data === undefined ? (
        <Failure error={listed.error} onRetry={() => void listed.refetch()} />
      ) : listed.data === undefined ? (
        <Loading rows={6} />
      ) : (
        <LiveTable<Row>
          label={title}
          columns={columns}
          rows={rows}
          rowHeight={ROW_HEIGHT}
          mark="data-setting"
          empty={
            wanted === "" ? (
              <EmptyNotice title={t("settings.none")} hint={t("settings.noneHint")} />
            ) : (
              <EmptyNotice title={t("settings.noMatch")} hint={t("settings.noMatchHint")} />
            )
          }
        />
      )}
      {listed.data === undefined ? null : (
        <Routes>
          <Route path="new" element={<SettingDrawer key="new" kind={kind} listed={listed.data} may={may} fresh />} />
          <Route path="of/:id" element={<SettingDrawer key="of" kind={kind} listed={listed.data} may={may} />} />
        </Routes>
      )}
    </section>
  );
}

function useColumns(kind: KindPage): readonly Column<Row>[] {
  const words = useWords();
  const navigate = useNavigate();
  return useMemo(
    () =>
      ["id", ...kind.columns].map((name) => ({
        key: name,
        title: words.name("settingField", name),
        order: (one: Row, other: Row) => compare(one[name], other[name]),
        ...(name === "id"
          ? {
              heads: true,
              className: "num",
              cell: (row: Row) => (
                <a
                  href={`/admin/${kind.name}/of/${encodeURIComponent(row.id)}`}
                  onClick={(event) => {
                    event.preventDefault();
                    void navigate(`/admin/${kind.name}/of/${encodeURIComponent(row.id)}`);
                  }}
                >
                  {row.id}
                </a>
              ),
            }
          : { cell: (row: Row) => <Cell kind={kind} name={name} value={row[name]} /> }),
      })),
    [kind, words, navigate],
  );
}
