import { Outlet } from "react-router";
import { ConnectionBar } from "./ConnectionBar";

/** The wallboard has the window to itself: it brings its own controls and hides them in full screen. */
export function WallboardFrame() {
  return (
    <div className="frame">
      <ConnectionBar />
      <Outlet />
    </div>
  );
}
