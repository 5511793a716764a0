import { Alert, Button, Drawer, Input, Modal, Tabs } from "antd";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { ApiError } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import { Loading, Notice } from "../../../ui/notices";
import { useToasts } from "../../../ui/toasts";
import { currentLists } from "./days";
import { FieldFrame } from "./FieldFrame";
import { Fields } from "./Fields";
import { History } from "./History";
import { documentOf, type Item, type KindPage } from "./kind";
import { RemoveButton } from "./RemoveButton";
import { useHolidays } from "./useHolidays";
import { useChanges, type Listed } from "./useSettings";

interface Props {
  readonly kind: KindPage;
  readonly listed: Listed;
  readonly may: boolean;
  readonly fresh?: boolean;
}

/** The form of one item, with its history. What was not saved is not lost without a question. */
export function SettingDrawer({ kind, listed, may, fresh = false }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const navigate = useNavigate();
  const { id = "" } = useParams();
  const [asking, setAsking] = useState(false);
  const [dirty, setDirty] = useState(false);
  const begun = useBegun(kind, fresh);
  const item = fresh ? begun : listed.items.find((row) => row.id === id);
  const close = () => void navigate(`/admin/${kind.name}`);
  useLeaveQuestion(dirty);
  return (
    <Drawer
      open
      size={640}
      title={`${words.name("settingKind", kind.name)} · ${fresh ? t("settings.newOne") : id}`}
      onClose={() => {
        if (dirty) {
          setAsking(true);
        } else {
          close();
        }
      }}
    >
      {item === undefined && fresh ? (
        <Loading rows={6} />
      ) : item === undefined ? (
        <Notice mark="○" title={t("settings.gone")} hint={t("settings.goneHint")} role="alert" />
      ) : (
        <Tabs
          items={[
            {
              key: "form",
              label: t("settings.form"),
              children: (
                <Form key={id} kind={kind} listed={listed} id={id} item={item} may={may} fresh={fresh} onDirty={setDirty} onDone={close} />
              ),
            },
            ...(fresh ? [] : [{ key: "history", label: t("settings.history"), children: <History kind={kind} id={id} /> }]),
          ]}
        />
      )}
      <Modal
        open={asking}
        title={t("settings.leave")}
        okText={t("settings.discard")}
        cancelText={t("settings.stay")}
        onOk={close}
        onCancel={() => {
          setAsking(false);
        }}
      />
    </Drawer>
  );
}

/** What a new one begins with; undefined until the server has told its part of it. */
function useBegun(kind: KindPage, fresh: boolean): Item | undefined {
  const asked = fresh && kind.begin === "holidays";
  const lists = useHolidays(asked);
  return useMemo(
    () => (!asked ? kind.fresh : lists && { ...kind.fresh, holidays: currentLists(lists, new Date().getFullYear()) }),
    [asked, kind, lists],
  );
}

interface FormProps extends Props {
  readonly id: string;
  readonly item: Item;
  readonly onDirty: (dirty: boolean) => void;
  readonly onDone: () => void;
}

function Form({ kind, listed, id: known, item, may, fresh = false, onDirty, onDone }: FormProps) {
  const { t } = useTranslation();
  const words = useWords();
  const toasts = useToasts();
  const { save } = useChanges(kind.path);
  const [id, setId] = useState(known);
  const [first] = useState(() => ({ document: documentOf(kind, item), revision: fresh ? null : (listed.revisions[known] ?? "") }));
  const [draft, setDraft] = useState(first.document);
  const changed = useMemo(() => id !== known || JSON.stringify(draft) !== JSON.stringify(first.document), [id, known, draft, first]);
  useEffect(() => {
    onDirty(changed);
  }, [changed, onDirty]);
  const problems = save.error instanceof ApiError ? save.error.fields : {};
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    if (save.isPending) {
      return;
    }
    save.mutate(
      { id: id.trim(), document: draft, revision: first.revision },
      {
        onSuccess: () => {
          onDirty(false);
          void toasts.info(t("settings.saved", { id: id.trim() }));
          onDone();
        },
      },
    );
  };
  return (
    <form className="setting-form" onSubmit={submit} noValidate>
      {save.error === null ? null : <Problem error={save.error} onReload={onDone} />}
      {fresh ? (
        <FieldFrame name="id" label={words.name("settingField", "id")} hint={words.hint(kind.name)} problem={problems.id}>
          {(aria) => (
            <Input
              {...aria}
              autoFocus
              required
              value={id}
              onChange={(event) => {
                setId(event.target.value);
              }}
            />
          )}
        </FieldFrame>
      ) : null}
      <Fields fields={kind.fields} draft={draft} path="" problems={problems} disabled={!may} onChange={setDraft} />
      {kind.extra === undefined ? null : <kind.extra draft={draft} id={fresh ? "" : known} />}
      <footer className="setting-foot">
        <Button type="primary" htmlType="submit" aria-busy={save.isPending} disabled={!may || !changed || id.trim() === ""}>
          {t("settings.save")}
        </Button>
        <span className="grow" />
        {fresh ? null : (
          <RemoveButton kind={kind} id={known} revision={first.revision ?? ""} may={may} onDone={() => {
            onDirty(false);
            onDone();
          }} />
        )}
      </footer>
    </form>
  );
}

function Problem({ error, onReload }: { readonly error: Error; readonly onReload: () => void }) {
  const { t } = useTranslation();
  const words = useWords();
  const meanwhile = error instanceof ApiError && error.code === "changed_meanwhile";
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={meanwhile ? t("settings.meanwhile") : error instanceof ApiError && error.status !== 0 ? error.message : words.problem(error)}
      description={meanwhile ? error.message : undefined}
      action={
        meanwhile ? (
          <Button size="small" onClick={onReload}>
            {t("settings.reload")}
          </Button>
        ) : undefined
      }
    />
  );
}

/** The browser asks before a page with unsaved changes is closed. */
function useLeaveQuestion(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) {
      return;
    }
    const ask = (event: BeforeUnloadEvent) => {
      event.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
    };
  }, [dirty]);
}
