import { useQuery } from "@tanstack/react-query";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import type { Schemas } from "../../../live/types";

export type HolidayList = Schemas["HolidayList"];

const NONE: readonly HolidayList[] = [];

/** The lists of public holidays that the server has; undefined until it has told, none where it does not. */
export function useHolidays(enabled = true): readonly HolidayList[] | undefined {
  const api = useApi();
  const { data, isError } = useQuery({
    queryKey: ["holidays"],
    queryFn: () => unwrap(api.GET("/api/v1/configuration/holidays")),
    staleTime: Infinity, // they come with the program
    enabled,
  });
  return isError ? NONE : data?.items;
}
