/** The ring and the tone of the sound test, made on the spot. */

/** Ring until the returned function is called: two seconds in six, a low trill that does not startle. */
export function ring(): () => void {
  const context = new AudioContext();
  const gain = new GainNode(context, { gain: 0 });
  gain.connect(context.destination);
  for (const frequency of [440, 480]) {
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(gain);
    tone.start();
  }
  const burst = () => {
    const at = context.currentTime;
    gain.gain.setTargetAtTime(0.12, at, 0.02);
    gain.gain.setTargetAtTime(0, at + 2, 0.02);
  };
  burst();
  const timer = setInterval(burst, 6_000);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

/** One second of a tone on an output. */
export async function testTone(speaker: string): Promise<void> {
  const context = new AudioContext();
  const said = context.createMediaStreamDestination();
  const tone = new OscillatorNode(context, { frequency: 660 });
  tone.connect(new GainNode(context, { gain: 0.2 })).connect(said);
  tone.start();
  tone.stop(context.currentTime + 1);
  const stop = await play(said.stream, speaker);
  tone.onended = () => {
    stop();
    void context.close();
  };
}

/** Sound a stream on an output (empty: the system's) until the returned function is called. */
export async function play(stream: MediaStream, speaker: string): Promise<() => void> {
  const sink = new Audio();
  sink.srcObject = stream;
  if (speaker !== "" && "setSinkId" in sink) {
    await sink.setSinkId(speaker).catch(() => undefined); // pulled out: the system's is used
  }
  await sink.play();
  return () => {
    sink.pause();
    sink.srcObject = null;
  };
}
