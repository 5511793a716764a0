import { useTranslation } from "react-i18next";
import { Navigate, useLocation } from "react-router";
import { useSession } from "../../api/context";
import { BrandMark } from "../../app/Brand";
import { AppearanceSwitches } from "../../app/Switches";
import { usePageTitle } from "../../ui/usePageTitle";
import { LoginForm } from "./LoginForm";
import { PasswordForm } from "./PasswordForm";
import "./login.css";

export function LoginPage() {
  const { t } = useTranslation();
  const { me } = useSession();
  const location = useLocation();
  usePageTitle(t("login.title"));
  if (me !== null && !me.must_change_password) {
    return <Navigate to={cameFrom(location.state)} replace />;
  }
  return (
    <div className="login">
      <header className="login-top">
        <AppearanceSwitches />
      </header>
      <main className="login-card panel">
        <div className="login-brand">
          <BrandMark size={36} />
          <div>
            <h1>{t("login.title")}</h1>
            <p className="quiet">{t("login.subtitle")}</p>
          </div>
        </div>
        {me === null ? <LoginForm /> : <PasswordForm />}
      </main>
    </div>
  );
}

/** Only paths of this application: the value comes from the history of the browser. */
function cameFrom(state: unknown): string {
  const from = typeof state === "object" && state !== null && "from" in state ? state.from : "/";
  return typeof from === "string" && /^\/(?!\/)/.test(from) && from !== "/login" ? from : "/";
}
