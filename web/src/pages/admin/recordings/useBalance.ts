import { useEffect, useRef, type RefObject } from "react";

/** How loud caller and agent are at a balance from −1 (the caller alone) to 1 (the agent alone). */
export function gains(balance: number): { readonly caller: number; readonly agent: number } {
  return { caller: Math.min(1, 1 - balance), agent: Math.min(1, 1 + balance) };
}

/** Lets a player be balanced: both ears hear both, each as loud as `balance` says. It is wired at the first change. */
export function useBalance(audio: RefObject<HTMLAudioElement | null>, balance: number): void {
  const wired = useRef<{ context: AudioContext; caller: GainNode; agent: GainNode } | null>(null);
  useEffect(() => {
    const { caller, agent } = gains(balance);
    if (wired.current === null) {
      if (balance === 0 || audio.current === null) {
        return;
      }
      wired.current = wire(audio.current);
    }
    wired.current.caller.gain.value = caller;
    wired.current.agent.gain.value = agent;
  }, [audio, balance]);
  useEffect(
    () => () => {
      void wired.current?.context.close();
      wired.current = null;
    },
    [],
  );
}

function wire(element: HTMLAudioElement) {
  const context = new AudioContext();
  const sides = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
  const caller = new GainNode(context);
  const agent = new GainNode(context);
  const ears = new ChannelMergerNode(context, { numberOfInputs: 2 });
  context.createMediaElementSource(element).connect(sides);
  sides.connect(caller, 0);
  sides.connect(agent, 1);
  for (const ear of [0, 1]) {
    caller.connect(ears, 0, ear);
    agent.connect(ears, 0, ear);
  }
  ears.connect(context.destination);
  void context.resume();
  return { context, caller, agent };
}
