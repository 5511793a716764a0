import { Table, type TableProps } from "antd";
import { useEffect, useRef, type ComponentRef } from "react";

/** A table that may be wider than its page: it scrolls sideways, by keyboard, too (WCAG 2.1.1). */
export function WideTable<Row extends object>(props: Omit<TableProps<Row>, "scroll">) {
  const table = useRef<ComponentRef<typeof Table>>(null);
  useEffect(() => {
    table.current?.nativeElement.querySelector(".ant-table-content")?.setAttribute("tabindex", "0");
  });
  return <Table<Row> ref={table} scroll={{ x: "max-content" }} {...props} />;
}
