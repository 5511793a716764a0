import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { cx } from "./cx";
import "./LiveTable.css";
import { useWindow } from "./useWindow";

export interface Column<Row> {
  readonly key: string;
  readonly title: ReactNode;
  readonly cell: (row: Row) => ReactNode;
  /** Gives the column a sort button. */
  readonly order?: (one: Row, other: Row) => number;
  readonly className?: string;
  /** The cell that names the row to screen readers. */
  readonly heads?: boolean;
}

export interface Sort {
  readonly key: string;
  readonly down: boolean;
}

/** Rows that the server sorts and gives page by page. */
interface Served {
  readonly sort: Sort | null;
  readonly onSort: (sort: Sort | null) => void;
  /** The last row is in sight, and there are more. */
  readonly onEnd: () => void;
  readonly total: number;
}

interface Props<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Every row is this high, so that a thousand of them can be windowed. */
  readonly rowHeight: number;
  readonly empty: ReactNode;
  /** Name of the data attribute that carries the row's id. */
  readonly mark: string;
  readonly served?: Served;
}

/**
 * The table of live rows. The library's table does more than these need and weighs more than the rest of the
 * overview: this one loads at once, draws only the rows in sight, and keeps each row where it is.
 */
export function LiveTable<Row extends { readonly id: string }>(props: Props<Row>) {
  const { label, columns, rowHeight, empty, mark, served } = props;
  const [own, setOwn] = useState<Sort | null>(null);
  const sort = served === undefined ? own : served.sort;
  const rows = useSorted(props.rows, columns, own);
  const box = useRef<HTMLDivElement>(null);
  const shown = useWindow(box, rows.length, rowHeight);
  const press = (key: string) => {
    (served?.onSort ?? setOwn)(sort?.key !== key ? { key, down: false } : sort.down ? null : { key, down: true });
  };
  const atEnd = shown.windowed && shown.end === rows.length ? served?.onEnd : undefined;
  useEffect(() => {
    atEnd?.();
  }, [atEnd, rows.length]);
  return (
    <div className="live-table" ref={box} tabIndex={shown.windowed ? 0 : undefined} role="group" aria-label={label}>
      <table aria-rowcount={shown.windowed ? (served?.total ?? rows.length) + 1 : undefined}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.key} column={column} sort={sort?.key === column.key ? sort : null} onPress={press} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap height={shown.first * rowHeight} />
          {rows.slice(shown.first, shown.end).map((row) => (
            <tr key={row.id} {...{ [mark]: row.id }} style={{ height: rowHeight }}>
              {columns.map((column) =>
                column.heads === true ? (
                  <th key={column.key} scope="row" className={column.className}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.key} className={column.className}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
          <Gap height={(rows.length - shown.end) * rowHeight} />
        </tbody>
      </table>
      {rows.length === 0 ? empty : null}
    </div>
  );
}

interface HeadProps<Row> {
  readonly column: Column<Row>;
  readonly sort: Sort | null;
  readonly onPress: (key: string) => void;
}

function Head<Row>({ column, sort, onPress }: HeadProps<Row>) {
  if (column.order === undefined) {
    return (
      <th scope="col" className={column.className}>
        {column.title}
      </th>
    );
  }
  return (
    <th
      scope="col"
      className={column.className}
      aria-sort={sort === null ? "none" : sort.down ? "descending" : "ascending"}
    >
      <button
        type="button"
        onClick={() => {
          onPress(column.key);
        }}
      >
        {column.title}
        <span className={cx("sort", sort === null && "idle")} aria-hidden="true">
          {sort?.down === true ? "↓" : "↑"}
        </span>
      </button>
    </th>
  );
}

function Gap({ height }: { readonly height: number }) {
  return height > 0 ? <tr className="gap" style={{ height }} aria-hidden="true" /> : null;
}

function useSorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: Sort | null,
): readonly Row[] {
  return useMemo(() => {
    const order = columns.find((column) => column.key === sort?.key)?.order;
    if (order === undefined) {
      return rows;
    }
    const sign = sort?.down === true ? -1 : 1;
    return [...rows].sort((one, other) => sign * order(one, other));
  }, [rows, columns, sort]);
}
