import { useMutation } from "@tanstack/react-query";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import { useToasts } from "../../../ui/toasts";
import type { SignallingFilters } from "./filters";

/** Gives the browser a capture file of what is selected. */
export function useCapture() {
  const api = useApi();
  const toasts = useToasts();
  const words = useWords();
  return useMutation({
    mutationFn: (query: SignallingFilters & { readonly contact?: string }) =>
      unwrap(api.GET("/api/v1/signalling/capture", { params: { query }, parseAs: "blob" })),
    onSuccess: (file, { contact }) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = `${contact ?? "signalling"}.pcap`;
      link.click();
      URL.revokeObjectURL(link.href);
    },
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
}
