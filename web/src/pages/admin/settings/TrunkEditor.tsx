import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Route, Routes, useNavigate } from "react-router";
import { useMe } from "../../../api/context";
import { hasRole } from "../../../api/session";
import { TRUNKS } from "./kinds";
import { Exchange } from "./Exchange";
import { SettingDrawer } from "./SettingDrawer";
import { useListed } from "./useSettings";
import "./settings.css";

/** The form of a trunk, beside the list that shows how trunks are now. */
export function TrunkEditor() {
  const may = hasRole(useMe(), ...TRUNKS.changers);
  const { data } = useListed(TRUNKS.path);
  return data === undefined ? null : (
    <Routes>
      <Route path="new" element={<SettingDrawer key="new" kind={TRUNKS} listed={data} may={may} fresh />} />
      <Route path="of/:id" element={<SettingDrawer key="of" kind={TRUNKS} listed={data} may={may} />} />
    </Routes>
  );
}

export function NewTrunk() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = hasRole(useMe(), ...TRUNKS.changers);
  return (
    <>
      <Exchange kind={TRUNKS} may={may} />
      <Button
        size="small"
        type="primary"
        disabled={!may}
        title={may ? undefined : t("notice.noPermission")}
        onClick={() => void navigate("/admin/trunks/new")}
      >
        {t("settings.new")}
      </Button>
    </>
  );
}
