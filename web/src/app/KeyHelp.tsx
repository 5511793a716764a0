import { Modal } from "antd";
import { useTranslation } from "react-i18next";
import { KeyCap, useKeyList } from "../ui/keys";
import "./KeyHelp.css";

interface Props {
  readonly onClose: () => void;
}

/** Every key of the moment; those that do nothing now are greyed. */
export function KeyHelp({ onClose }: Props) {
  const { t } = useTranslation();
  const list = useKeyList();
  return (
    <Modal open onCancel={onClose} footer={null} title={t("keys.help")} width={440} destroyOnHidden>
      <dl className="key-help">{list().map((each) => (
          <Row key={each.keys} {...each} />
        ))}</dl>
    </Modal>
  );
}

function Row({ keys, label, enabled }: { readonly keys: string; readonly label: string; readonly enabled: boolean }) {
  return (
    <div className={enabled ? "" : "quiet"}>
      <dt>{label}</dt>
      <dd>
        <span className="sr-only">{keys}</span>
        <KeyCap keys={keys} />
      </dd>
    </div>
  );
}
