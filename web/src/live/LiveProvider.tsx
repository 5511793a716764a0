import { useEffect, useMemo, useRef, type ReactNode } from "react";
import { LiveContext } from "./context";
import { LiveStore } from "./store";
import { EventStream, type Socket } from "./stream";
import { Ticker } from "./ticker";

interface Props {
  readonly token: string;
  readonly onEnded: () => void;
  readonly children: ReactNode;
}

/** Keeps the event stream of whoever is logged in. */
export function LiveProvider({ token, onEnded, children }: Props) {
  const stream = useRef<EventStream | null>(null);
  const store = useMemo(() => new LiveStore(), []);
  const live = useMemo(
    () => ({
      store,
      ticker: new Ticker(store.serverNow),
      tryNow: () => {
        stream.current?.tryNow();
      },
    }),
    [store],
  );

  useEffect(() => {
    const running = new EventStream({
      open: openSocket,
      token,
      resume: () => store.resume(),
      onMessage: (message) => {
        if (store.take(message)) {
          running.reconnect();
        }
      },
      onStatus: (status) => {
        store.setStream(status);
      },
      onEnded,
    });
    stream.current = running;
    running.start();
    const tryNow = () => {
      running.tryNow();
    };
    window.addEventListener("online", tryNow);
    return () => {
      window.removeEventListener("online", tryNow);
      running.stop();
      stream.current = null;
      store.reset();
    };
  }, [store, token, onEnded]);

  return <LiveContext value={live}>{children}</LiveContext>;
}

function openSocket(): Socket {
  const url = new URL("/api/v1/events", window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url) as Socket;
}
