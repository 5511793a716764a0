import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { Failure, Loading } from "../../../ui/notices";
import { SipLadder } from "./SipLadder";
import { useCapture } from "./useCapture";

interface Props {
  readonly contact: string;
  readonly begin: string;
}

/** The signalling of one contact. */
export function ContactTrace({ contact, begin }: Props) {
  const { t } = useTranslation();
  const api = useApi();
  const trace = useQuery({
    queryKey: ["contact", contact, "trace"],
    queryFn: () => unwrap(api.GET("/api/v1/signalling", { params: { query: { contact, limit: 500 } } })),
    select: ({ items }) => [...items].reverse(),
  });
  const capture = useCapture();
  if (trace.error !== null) {
    return <Failure error={trace.error} onRetry={() => void trace.refetch()} />;
  }
  if (trace.data === undefined) {
    return <Loading rows={8} />;
  }
  return (
    <>
      {trace.data.length === 0 ? null : (
        <div className="ladder-actions">
          <Button
            size="small"
            loading={capture.isPending}
            onClick={() => {
              capture.mutate({ contact });
            }}
          >
            {t("signalling.capture")}
          </Button>
        </div>
      )}
      <SipLadder messages={trace.data} begin={begin} />
    </>
  );
}
