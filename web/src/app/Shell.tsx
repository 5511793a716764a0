import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet, useNavigate } from "react-router";
import { useMe } from "../api/context";
import { hasRole, worksAtDesk } from "../api/session";
import { useLive, useStale } from "../live/context";
import { cx } from "../ui/cx";
import { useKey } from "../ui/keys";
import { ConnectionBar } from "./ConnectionBar";
import { Brand } from "./Brand";
import { Switches } from "./Switches";

const KeyHelp = lazy(async () => ({ default: (await import("./KeyHelp")).KeyHelp }));

/** Who finds something in the administration today. */
export const ADMIN_ROLES = ["supervisor", "auditor", "maintainer", "admin"] as const;

export function Shell() {
  const { t } = useTranslation();
  const me = useMe();
  const stale = useStale();
  const phase = useLive((state) => state.stream.phase);
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  const mayAdminister = hasRole(me, ...ADMIN_ROLES);
  const go = (to: string) => () => {
    void navigate(to);
  };
  useKey("g o", t(worksAtDesk(me) ? "nav.desk" : "nav.overview"), go("/"));
  useKey("g w", t("nav.wallboard"), go("/wallboard"));
  useKey("g a", t("nav.admin"), go("/admin"), mayAdminister);
  useKey("?", t("keys.help"), () => {
    setHelp(true);
  });

  return (
    <div className={cx("frame", stale && "stale-figures")}>
      <a className="skip-link" href="#content">
        {t("nav.skip")}
      </a>
      <header className="topbar">
        <Brand />
        <nav className="topnav" aria-label={t("nav.label")}>
          <NavLink to="/" end>
            {t(worksAtDesk(me) ? "nav.desk" : "nav.overview")}
          </NavLink>
          <NavLink to="/wallboard">{t("nav.wallboard")}</NavLink>
          {mayAdminister ? <NavLink to="/admin">{t("nav.admin")}</NavLink> : null}
        </nav>
        <div className="topend">
          <span className={cx("pulse", (stale || phase !== "live") && "off")} role="status">
            {t(phase === "live" && !stale ? "connection.live" : phase === "connecting" ? "connection.connecting" : "connection.lostShort")}
          </span>
          <Switches
            onHelp={() => {
              setHelp(true);
            }}
          />
        </div>
      </header>
      <ConnectionBar />
      <Outlet />
      {help ? (
        <Suspense>
          <KeyHelp
            onClose={() => {
              setHelp(false);
            }}
          />
        </Suspense>
      ) : null}
    </div>
  );
}
