import { Button, type TableColumnsType } from "antd";
import { useTranslation } from "react-i18next";
import { EmptyNotice, Failure } from "../../ui/notices";
import { WideTable } from "../../ui/WideTable";

/** What of an infinite query the table needs. */
interface Pages<Row> {
  readonly data: { readonly pages: readonly { readonly items: readonly Row[] }[] } | undefined;
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly isFetchingNextPage: boolean;
  readonly hasNextPage: boolean;
  readonly fetchNextPage: () => unknown;
  readonly refetch: () => unknown;
}

interface Props<Row> {
  readonly pages: Pages<Row>;
  readonly columns: TableColumnsType<Row>;
  readonly empty: string;
  readonly emptyHint: string;
  readonly onOpen?: (row: Row) => void;
  readonly expanded?: (row: Row) => React.ReactNode;
}

/** A list of the server, newest first, page after page. */
export function PagedTable<Row extends { id: string }>({ pages, columns, empty, emptyHint, onOpen, expanded }: Props<Row>) {
  const { t } = useTranslation();
  if (pages.error !== null && pages.data === undefined) {
    return <Failure error={pages.error} onRetry={() => void pages.refetch()} />;
  }
  const rows = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <WideTable<Row>
        size="small"
        rowKey="id"
        columns={columns}
        dataSource={rows}
        loading={pages.isPending}
        pagination={false}
        {...(onOpen === undefined ? {} : { onRow: (row: Row) => openable(row, onOpen) })}
        {...(expanded === undefined ? {} : {
              expandable: {
                expandedRowRender: expanded,
                columnTitle: <span className="sr-only">{t("admin.details")}</span>,
              },
            })}
        locale={{ emptyText: pages.isPending ? " " : <EmptyNotice title={empty} hint={emptyHint} /> }}
      />
      {pages.hasNextPage ? (
        <div className="more">
          <Button loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {t("admin.more")}
          </Button>
        </div>
      ) : null}
    </>
  );
}

function openable<Row extends { id: string }>(row: Row, onOpen: (row: Row) => void) {
  return {
    className: "openable",
    tabIndex: 0,
    "data-row": row.id,
    onClick: () => {
      onOpen(row);
    },
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key === "Enter") {
        onOpen(row);
      }
    },
  };
}
