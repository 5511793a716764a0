import type { ReactNode } from "react";
import { Link } from "react-router";
import { useMe } from "../api/context";
import { hasRole } from "../api/session";
import "./drill.css";

interface Props {
  readonly to: string;
  /** What one finds there. */
  readonly title: string;
  readonly children: ReactNode;
}

/** A figure that leads to what is behind it, for those who may see that. */
export function DrillLink({ to, title, children }: Props) {
  const me = useMe();
  return hasRole(me, "supervisor", "auditor", "admin") ? (
    <Link to={to} title={title} className="drill">
      {children}
    </Link>
  ) : (
    <>{children}</>
  );
}
