/** What signalling is searched by, as REST takes it. */
import type { paths } from "../../../api/generated";

type Query = NonNullable<paths["/api/v1/signalling"]["get"]["parameters"]["query"]>;

export type SignallingFilters = {
  readonly [Name in Exclude<keyof Query, "cursor" | "limit" | "contact">]?: NonNullable<Query[Name]>;
};

/** Those of `changed` laid over `filters`; emptied ones are gone. */
export function merged(
  filters: SignallingFilters,
  changed: { [Name in keyof SignallingFilters]?: SignallingFilters[Name] | undefined },
): SignallingFilters {
  return Object.fromEntries(
    Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== undefined && value !== ""),
  );
}
