import { useQuery } from "@tanstack/react-query";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";

/** What happened to a contact, in order. */
export function useContactEvents(contact: string) {
  const api = useApi();
  return useQuery({
    queryKey: ["contact", contact, "events"],
    queryFn: () => unwrap(api.GET("/api/v1/contacts/{contact}/events", { params: { path: { contact } } })),
  });
}
