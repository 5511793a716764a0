/** What a board file may hold: Grafana's published types, with what each kind of panel adds to them. */

import type { DashboardLink, DataSourceRef, Dashboard, FieldConfig, Panel, ValueMapping, VariableModel } from "@grafana/schema";
import type * as Heatmap from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type * as Stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as Table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as Series from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

/** As it lies in a file: the words of an enumeration instead of its members, null where Grafana has it for a bound. */
type Filed<T> = T extends string ? `${T}` : T extends (infer One)[] ? Filed<One>[] : T extends object ? { [K in keyof T]: Filed<T[K]> } : T;

/** A query to Prometheus; its plugin's own types are published apart. */
interface Query {
  refId: string;
  datasource: DataSourceRef;
  expr: string;
  legendFormat: string;
  format?: "time_series" | "table" | "heatmap";
  instant?: boolean;
}

type Cell = NonNullable<Table.FieldConfig["cellOptions"]>;

interface Override {
  matcher: { id: "byName"; options: string };
  properties: ({ id: "mappings"; value: Filed<ValueMapping>[] } | { id: "custom.cellOptions"; value: Filed<Cell> })[];
}

type Step = { value: number | null; color: string };

interface Defaults<Custom> extends Omit<FieldConfig, "custom" | "thresholds"> {
  custom?: Partial<Custom>;
  thresholds?: { mode: "absolute" | "percentage"; steps: Step[] };
}

interface Of<Kind extends string, Options, Custom> extends Omit<Panel, "type" | "options" | "fieldConfig" | "targets" | "links"> {
  type: Kind;
  options: Partial<Options>;
  fieldConfig: { defaults: Defaults<Custom>; overrides: Override[] };
  targets: Query[];
  links?: DashboardLink[];
}

type AnyPanel =
  | Of<"heatmap", Omit<Heatmap.Options, "yAxis"> & { yAxis: Partial<Heatmap.YAxisConfig> }, Heatmap.FieldConfig>
  | Of<"stat", Stat.Options, object>
  | Of<"table", Table.Options, Table.FieldConfig>
  | Of<"timeseries", Series.Options, Series.FieldConfig>;

export type Board = Filed<Omit<Dashboard, "panels" | "templating">> & {
  panels: Filed<AnyPanel>[];
  templating: { list: (Filed<VariableModel> & { definition: string })[] };
};
