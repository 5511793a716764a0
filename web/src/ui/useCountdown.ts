import { useCallback, useEffect, useState } from "react";

/** Seconds left until an instant that `start(seconds)` sets; 0 when it is over. */
export function useCountdown(): [number, (seconds: number) => void] {
  const [until, setUntil] = useState(0);
  const [now, setNow] = useState(0);
  const left = Math.max(0, Math.ceil((until - now) / 1_000));
  const running = left > 0;

  useEffect(() => {
    if (!running) {
      return;
    }
    const interval = setInterval(() => {
      setNow(Date.now());
    }, 250);
    return () => {
      clearInterval(interval);
    };
  }, [running]);

  const start = useCallback((seconds: number) => {
    const at = Date.now();
    setNow(at);
    setUntil(at + seconds * 1_000);
  }, []);
  return [left, start];
}
