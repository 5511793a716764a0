import { Button, Input } from "antd";
import { useCallback, useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Route, Routes, useNavigate, useParams } from "react-router";
import { useMe } from "../../../api/context";
import { hasRole } from "../../../api/session";
import { useWords } from "../../../i18n/useWords";
import { EmptyNotice, Failure, Loading } from "../../../ui/notices";
import { KeyCap, useKey } from "../../../ui/keys";
import { LiveTable, type Column, type Sort } from "../../../ui/LiveTable";
import { usePageTitle } from "../../../ui/usePageTitle";
import { Cell } from "./Cell";
import { Exchange } from "./Exchange";
import { compare, type KindPage, type Row } from "./kind";
import { SettingDrawer } from "./SettingDrawer";
import { useOne, useRows, type Listed } from "./useSettings";
import "./settings.css";

const ROW_HEIGHT = 36;

/** One kind of setting: its list, and the drawer with form and history. */
export function SettingsArea({ kind, extra }: { readonly kind: KindPage; readonly extra?: React.ReactNode }) {
  const { t } = useTranslation();
  const words = useWords();
  const navigate = useNavigate();
  const may = hasRole(useMe(), ...kind.changers);
  const title = words.name("settingKind", kind.name);
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState<Sort | null>(null);
  const wanted = useDeferredValue(search.trim());
  const pages = useRows(kind.path, wanted, sort);
  const listed = useListedIn(pages.data?.pages);
  const total = pages.data?.pages[0]?.total ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) {
      void fetchNextPage();
    }
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const columns = useColumns(kind);
  const base = `/admin/${kind.name}`;
  const add = () => void navigate(`${base}/new`);
  usePageTitle(title);
  useKey("n", t("settings.new"), add, may);
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{title}</h2>
        <span className="count">{total}</span>
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
        <Exchange kind={kind} may={may} />
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
      {pages.error !== null && listed === undefined ? (
        <Failure error={pages.error} onRetry={() => void pages.refetch()} />
      ) : listed === undefined ? (
        <Loading rows={6} />
      ) : (
        <LiveTable<Row>
          label={title}
          columns={columns}
          rows={listed.items}
          rowHeight={ROW_HEIGHT}
          mark="data-setting"
          served={{ sort, onSort: setSort, onEnd, total }}
          empty={
            wanted === "" ? (
              <EmptyNotice title={t("settings.none")} hint={t("settings.noneHint")} />
            ) : (
              <EmptyNotice title={t("settings.noMatch")} hint={t("settings.noMatchHint")} />
            )
          }
        />
      )}
      {listed === undefined ? null : (
        <Routes>
          <Route path="new" element={<SettingDrawer key="new" kind={kind} listed={listed} may={may} fresh />} />
          <Route path="of/:id" element={<Opened key="of" kind={kind} listed={listed} may={may} />} />
        </Routes>
      )}
    </section>
  );
}

/** All that the pages so far hold. */
function useListedIn(pages: readonly Listed[] | undefined): Listed | undefined {
  return useMemo(
    () =>
      pages === undefined
        ? undefined
        : {
            items: pages.flatMap((page) => page.items),
            revisions: Object.fromEntries(pages.flatMap((page) => Object.entries(page.revisions))),
          },
    [pages],
  );
}

/** The form of an item, also of one that no page showed yet. */
function Opened({ kind, listed, may }: { readonly kind: KindPage; readonly listed: Listed; readonly may: boolean }) {
  const { id = "" } = useParams();
  const known = listed.items.some((row) => row.id === id);
  const one = useOne(kind.path, id, !known);
  if (!known && one.isPending) {
    return null;
  }
  return <SettingDrawer kind={kind} listed={known ? listed : (one.data ?? listed)} may={may} />;
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
