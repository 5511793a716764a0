import { useInfiniteQuery, type keepPreviousData } from "@tanstack/react-query";

/** Where a page begins: nothing for the first one. */
export type From = { readonly cursor?: string };

/** A list of the server, page after page: `ask` gets the page that begins there. */
export function usePages<Page extends { readonly next_cursor?: string | null }>(
  key: readonly unknown[],
  ask: (from: From) => Promise<Page>,
  options: { readonly refetchOnWindowFocus?: boolean; readonly placeholderData?: typeof keepPreviousData } = {},
) {
  return useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => ask(pageParam === null ? {} : { cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (page: Page) => page.next_cursor,
    ...options,
  });
}
