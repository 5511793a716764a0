import { BulbOutlined, LogoutOutlined, MoonOutlined, QuestionOutlined } from "@ant-design/icons";
import { Button, Tooltip } from "antd";
import { useTranslation } from "react-i18next";
import { useServices, useSession } from "../api/context";
import { logOut } from "../api/client";
import { rememberLanguage, speak } from "../i18n";
import { useLanguage, useWords } from "../i18n/useWords";
import { useToasts } from "../ui/toasts";
import { useAppearance } from "./appearance";

/** Language, theme, and whoever is logged in. */
export function Switches({ onHelp }: { readonly onHelp?: () => void }) {
  const { t } = useTranslation();
  const words = useWords();
  const { api, session } = useServices();
  const { me } = useSession();
  return (
    <>
      {me === null ? null : (
        <span className="whoami">
          <b className="num">{me.user}</b>
          <span className="quiet">{me.roles.map((role) => words.name("role", role)).join(" · ")}</span>
        </span>
      )}
      {onHelp === undefined ? null : (
        <Tooltip title={`${t("keys.help")} (?)`}>
          <Button type="text" icon={<QuestionOutlined />} aria-label={t("keys.help")} aria-keyshortcuts="?" onClick={onHelp} />
        </Tooltip>
      )}
      <AppearanceSwitches />
      {me === null ? null : (
        <Tooltip title={t("login.out")}>
          <Button
            type="text"
            icon={<LogoutOutlined />}
            aria-label={t("login.out")}
            onClick={() => {
              void logOut(api, session);
            }}
          />
        </Tooltip>
      )}
    </>
  );
}

export function AppearanceSwitches() {
  const { t } = useTranslation();
  const language = useLanguage();
  const words = useWords();
  const toasts = useToasts();
  const { theme, setTheme } = useAppearance();
  const other = language === "zh" ? "en" : "zh";
  return (
    <>
      <Button
        type="text"
        lang={other === "zh" ? "zh-CN" : "en"}
        onClick={() => {
          void speak(other).then(
            () => {
              rememberLanguage(window.localStorage, other);
            },
            (error: unknown) => {
              void toasts.error(words.problem(error));
            },
          );
        }}
      >
        {other === "zh" ? "中文" : "English"}
      </Button>
      <Tooltip title={t(theme === "dark" ? "theme.toLight" : "theme.toDark")}>
        <Button
          type="text"
          icon={theme === "dark" ? <BulbOutlined /> : <MoonOutlined />}
          aria-label={t(theme === "dark" ? "theme.toLight" : "theme.toDark")}
          onClick={() => {
            setTheme(theme === "dark" ? "light" : "dark");
          }}
        />
      </Tooltip>
    </>
  );
}
