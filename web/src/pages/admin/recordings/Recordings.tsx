import { CaretRightOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button } from "antd";
import { useTranslation } from "react-i18next";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import type { Schemas } from "../../../live/types";
import { Failure } from "../../../ui/notices";
import { Player } from "./Player";

type Recording = Schemas["RecordingRow"];

export function Recordings({ contact }: { readonly contact: string }) {
  const { t } = useTranslation();
  const api = useApi();
  const recordings = useQuery({
    queryKey: ["contact", contact, "recordings"],
    queryFn: () => unwrap(api.GET("/api/v1/recordings", { params: { query: { contact, limit: 20 } } })),
  });
  if (recordings.error !== null) {
    return <Failure error={recordings.error} onRetry={() => void recordings.refetch()} />;
  }
  const items = recordings.data?.items ?? [];
  return items.length === 0 ? (
    <p className="quiet no-recording">{recordings.isPending ? t("notice.loading") : t("recordings.none")}</p>
  ) : (
    <div className="recordings">
      {items.map((recording) => (
        <Listening key={recording.id} recording={recording} />
      ))}
    </div>
  );
}

/** A recording with its player. Nothing is fetched before somebody asks: every listening stands in the audit. */
export function Listening({ recording }: { readonly recording: Recording }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const listen = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/recordings/{recording_id}/links", { params: { path: { recording_id: recording.id } } })),
  });
  const writing = recording.ended_at === null;
  return (
    <div className="player" data-recording={recording.id}>
      <p>
        <b>{t("recordings.title")}</b>{" "}
        <span className="quiet num">
          {[
            t(`recordingMode.${recording.mode}`),
            recording.seconds === null ? "" : words.clock(recording.seconds),
            recording.size_bytes === null ? "" : words.bytes(recording.size_bytes),
            recording.complete === false ? t("recordings.cut", { reason: recording.reason }) : "",
          ]
            .filter((part) => part !== "")
            .join(" · ")}
        </span>
      </p>
      {listen.data === undefined ? (
        <Button
          icon={<CaretRightOutlined />}
          disabled={writing}
          title={writing ? t("recordings.writing") : undefined}
          loading={listen.isPending}
          onClick={() => {
            listen.mutate();
          }}
        >
          {t("recordings.listen")}
        </Button>
      ) : (
        <Player recording={recording} link={listen.data} />
      )}
      {listen.error === null ? null : <Alert type="error" showIcon title={words.problem(listen.error)} />}
      <p className="quiet note">{t("recordings.audited")}</p>
    </div>
  );
}
