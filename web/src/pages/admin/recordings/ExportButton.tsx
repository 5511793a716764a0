import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Input, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../../api/context";
import { newOrderKey } from "../../../api/orderKey";
import { unwrap } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import { useToasts } from "../../../ui/toasts";

/** Lets a marked copy leave the platform, with a reason. */
export function ExportButton({ recording, may }: { readonly recording: string; readonly may: boolean }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const toasts = useToasts();
  const [asked, setAsked] = useState<{ reason: string; key: string } | null>(null);
  const make = useMutation({
    mutationFn: (body: { reason: string; key: string }) =>
      unwrap(api.POST("/api/v1/recordings/{recording_id}/exports", { params: { path: { recording_id: recording } }, body })),
    onSuccess: ({ url, number }) => {
      setAsked(null);
      const link = document.createElement("a");
      link.href = url;
      link.download = "";
      link.click();
      void toasts.info(t("recordings.exported", { number }));
    },
  });
  return (
    <>
      <Button
        size="small"
        disabled={!may}
        title={may ? undefined : t("recordings.mayNotExport")}
        onClick={() => {
          make.reset();
          setAsked({ reason: "", key: newOrderKey() });
        }}
      >
        {t("recordings.export")}
      </Button>
      <Modal
        open={asked !== null}
        title={t("recordings.exportTitle")}
        okText={t("recordings.exportGo")}
        okButtonProps={{ disabled: (asked?.reason.trim().length ?? 0) < 3, loading: make.isPending }}
        onOk={() => {
          if (asked !== null) {
            make.mutate(asked);
          }
        }}
        onCancel={() => {
          setAsked(null);
        }}
      >
        <p>{t("recordings.exportWhy")}</p>
        <Input
          value={asked?.reason ?? ""}
          maxLength={500}
          aria-label={t("recordings.exportReason")}
          placeholder={t("recordings.exportReason")}
          onChange={(event) => {
            setAsked((before) => (before === null ? null : { ...before, reason: event.target.value }));
          }}
        />
        {make.error === null ? null : <Alert type="error" showIcon title={words.problem(make.error)} />}
      </Modal>
    </>
  );
}
