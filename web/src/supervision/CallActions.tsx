import { MoreOutlined } from "@ant-design/icons";
import { Button, Popover } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Call } from "../live/types";
import { Actions } from "./Actions";

/** What a supervisor does with a call: hear it, move who waits, end it. */
export function CallActions({ call }: { readonly call: Call }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const over = call.stage === "wrap";
  return (
    <Popover
      trigger="click"
      placement="left"
      destroyOnHidden
      open={open && !over}
      onOpenChange={setOpen}
      content={
        <Actions
          call={call}
          onDone={() => {
            setOpen(false);
          }}
        />
      }
    >
      <Button type="text" size="small" icon={<MoreOutlined />} disabled={over} aria-label={t("supervision.actionsOf", { caller: call.caller })} />
    </Popover>
  );
}
