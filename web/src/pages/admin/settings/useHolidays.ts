import { useQuery } from "@tanstack/react-query";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";

/** The lists of public holidays that the server has, and those that are chosen although it has them no more. */
export function useHolidays(chosen: readonly string[]): string[] {
  const api = useApi();
  const { data } = useQuery({
    queryKey: ["holidays"],
    queryFn: () => unwrap(api.GET("/api/v1/configuration/holidays")),
    staleTime: Infinity, // they come with the program
  });
  const there = (data?.items ?? []).map(({ id }) => id);
  return [...there, ...chosen.filter((name) => !there.includes(name))];
}
