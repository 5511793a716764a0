import { useCallback, useEffect, useState } from "react";

export function useFullscreen(): { on: boolean; toggle: () => void } {
  const [on, setOn] = useState(() => document.fullscreenElement !== null);
  useEffect(() => {
    const changed = () => {
      setOn(document.fullscreenElement !== null);
    };
    document.addEventListener("fullscreenchange", changed);
    return () => {
      document.removeEventListener("fullscreenchange", changed);
    };
  }, []);
  const toggle = useCallback(() => {
    // A browser that refuses leaves all as it is.
    const asked =
      document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen();
    asked.catch(() => undefined);
  }, []);
  return { on, toggle };
}
