import { Alert, Button, Modal } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useWords } from "../../../i18n/useWords";
import { EmptyNotice } from "../../../ui/notices";
import { useToasts } from "../../../ui/toasts";
import { Cell } from "./Cell";
import type { KindPage } from "./kind";
import { useChanges, useSettings, type Plan } from "./useSettings";

/** Out to a spreadsheet and back; what a sheet would change is shown line by line before it does. */
export function Exchange({ kind, may }: { readonly kind: KindPage; readonly may: boolean }) {
  const { t } = useTranslation();
  const words = useWords();
  const toasts = useToasts();
  const settings = useSettings();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const { exchange } = useChanges(kind.path);
  const save = () => {
    settings.sheet(kind.path).then(
      (sheet) => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(sheet);
        link.download = `${kind.name}.csv`;
        link.click();
        URL.revokeObjectURL(link.href);
      },
      (error: unknown) => void toasts.error(words.problem(error)),
    );
  };
  const close = () => {
    setFile(null);
    exchange.reset();
  };
  const plan = exchange.data;
  const doing = plan?.lines.filter((line) => line.verdict !== "same") ?? [];
  return (
    <>
      <Button size="small" onClick={save}>
        {t("settings.export")}
      </Button>
      <Button
        size="small"
        disabled={!may}
        title={may ? undefined : t("notice.noPermission")}
        onClick={() => {
          input.current?.click();
        }}
      >
        {t("settings.import")}
      </Button>
      <input
        ref={input}
        type="file"
        accept=".csv,text/csv"
        hidden
        aria-label={t("settings.import")}
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          event.target.value = "";
          if (chosen !== undefined) {
            setFile(chosen);
            exchange.mutate({ file: chosen, plan: null });
          }
        }}
      />
      <Modal
        open={file !== null}
        width={820}
        title={t("settings.importOf", { file: file?.name ?? "" })}
        okText={t("settings.apply", { count: doing.length })}
        cancelText={t("settings.cancel")}
        okButtonProps={{ disabled: plan === undefined || !plan.legal || plan.applied || doing.length === 0, loading: exchange.isPending }}
        onOk={() => {
          if (file !== null && plan !== undefined) {
            exchange.mutate({ file, plan: plan.plan }, { onSuccess: close });
          }
        }}
        onCancel={close}
      >
        {exchange.error === null ? null : <Alert type="error" showIcon role="alert" title={exchange.error.message} />}
        {plan === undefined ? null : <Lines kind={kind} plan={plan} />}
      </Modal>
    </>
  );
}

const SHOWN = 200;

function Lines({ kind, plan }: { readonly kind: KindPage; readonly plan: Plan }) {
  const { t } = useTranslation();
  const words = useWords();
  const told = plan.lines.filter((line) => line.verdict !== "same");
  if (told.length === 0) {
    return <EmptyNotice title={t("settings.nothingToDo")} hint={t("settings.nothingToDoHint")} />;
  }
  // What is refused has to be seen first.
  const lines = [...told].sort((one, other) => Number(other.verdict === "refused") - Number(one.verdict === "refused"));
  return (
    <div className="setting-lines" tabIndex={0} role="region" aria-label={t("settings.import")}>
      <table>
        <tbody>
          {lines.slice(0, SHOWN).map((line) => (
            <tr key={line.line} data-line={line.line}>
              <td className="num quiet">{line.line}</td>
              <th scope="row">{line.id}</th>
              <td className={line.verdict === "refused" ? "bad" : ""}>
                {line.verdict === "refused" ? "▲ " : ""}
                {t(`settings.verdict.${line.verdict}`)}
              </td>
              <td>
                {line.problems.map(({ where, why }) => (
                  <div key={`${where} ${why}`} className="bad">
                    {where === "" ? why : `${where}: ${why}`}
                  </div>
                ))}
                {line.problems.length > 0
                  ? null
                  : Object.entries(line.changes).map(([name, pair]) => (
                      <div key={name}>
                        {words.name("settingField", name)}: <Cell kind={kind} name={name} value={pair[0]} /> →{" "}
                        <Cell kind={kind} name={name} value={pair[1]} />
                      </div>
                    ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > SHOWN ? <p className="quiet">{t("settings.moreLines", { count: lines.length - SHOWN })}</p> : null}
    </div>
  );
}
