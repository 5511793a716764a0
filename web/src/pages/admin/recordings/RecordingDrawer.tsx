import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Drawer, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { useApi, useMe } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { hasRole } from "../../../api/session";
import { useWords } from "../../../i18n/useWords";
import type { Schemas } from "../../../live/types";
import { Failure, Loading } from "../../../ui/notices";
import { Listening } from "./Recordings";

type Recording = Schemas["RecordingRow"];

/** One recording: its player, the way to its contact, and its legal hold. */
export function RecordingDrawer({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const words = useWords();
  const me = useMe();
  const api = useApi();
  const { recording = "" } = useParams();
  const row = useQuery({
    queryKey: ["recording", recording],
    queryFn: () => unwrap(api.GET("/api/v1/recordings/{recording_id}", { params: { path: { recording_id: recording } } })),
  });
  return (
    <Drawer open onClose={onClose} size={760} title={t("recordings.title")} className="contact-drawer">
      {row.error !== null ? (
        <Failure error={row.error} onRetry={() => void row.refetch()} />
      ) : row.data === undefined ? (
        <Loading rows={6} />
      ) : (
        <>
          <p className="num">
            {words.dateTime(row.data.started_at)}{" "}
            {[row.data.queue, row.data.agent, row.data.seat].filter((word) => word !== null).join(" · ")}
          </p>
          <p>
            <Link to={`/admin/contacts/${row.data.contact}`}>{t("recordings.toContact")}</Link>
          </p>
          <div className="recordings">
            <Listening recording={row.data} />
          </div>
          {hasRole(me, "auditor", "admin") ? (
            <Hold recording={row.data} />
          ) : row.data.held ? (
            <p>
              ■ {t("recordings.held")}: {row.data.hold_reason}
            </p>
          ) : null}
          <p className="quiet num contact-id">{row.data.id}</p>
        </>
      )}
    </Drawer>
  );
}

function Hold({ recording }: { readonly recording: Recording }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const cache = useQueryClient();
  const [reason, setReason] = useState("");
  const change = useMutation({
    mutationFn: (held: boolean) =>
      unwrap(
        api.PUT("/api/v1/recordings/{recording_id}/hold", {
          params: { path: { recording_id: recording.id } },
          body: { held, reason: reason.trim() },
        }),
      ),
    onSuccess: async (row) => {
      setReason("");
      cache.setQueryData(["recording", recording.id], row);
      await cache.invalidateQueries({ queryKey: ["recordings"] });
    },
  });
  return (
    <section className="hold" aria-label={t("recordings.hold")}>
      <h3>{t("recordings.hold")}</h3>
      <p className="quiet">{recording.held ? t("recordings.heldBy", { by: recording.held_by, reason: recording.hold_reason }) : t("recordings.holdHint")}</p>
      <form
        className="comment-form"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate(!recording.held);
        }}
      >
        <Input
          value={reason}
          maxLength={500}
          aria-label={t("recordings.exportReason")}
          placeholder={t("recordings.exportReason")}
          onChange={({ target }) => {
            setReason(target.value);
          }}
        />
        <Button htmlType="submit" loading={change.isPending} disabled={reason.trim().length < 3 || recording.deleted_at !== null}>
          {recording.held ? t("recordings.release") : t("recordings.holdGo")}
        </Button>
      </form>
      {change.error === null ? null : <Alert type="error" showIcon title={words.problem(change.error)} />}
    </section>
  );
}
