// A phone of JsSIP in a page beside web_phone.js, whose tone it says and whose ear it hears with.
window.register = (server, uri, password) =>
  new Promise((registered, failed) => {
    window.agent = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(server)], uri, password, register_expires: 120 });
    window.agent.on("registered", () => registered("registered"));
    window.agent.on("registrationFailed", ({ cause }) => failed(new Error(cause)));
    window.agent.start();
  });

window.dial = async (target, hertz) => {
  const context = new AudioContext();
  const voice = new OscillatorNode(context, { frequency: hertz });
  const said = context.createMediaStreamDestination();
  voice.connect(new GainNode(context, { gain: 0.25 })).connect(said);
  voice.start();
  window.analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
  return new Promise((confirmed, failed) => {
    const call = (window.call = window.agent.call(target, { mediaStream: said.stream, mediaConstraints: { audio: true } }));
    call.connection.addEventListener("track", ({ track }) => {
      const heard = new MediaStream([track]);
      const sink = (window.sink = new Audio());  // Chromium decodes for WebAudio only what also goes somewhere
      sink.muted = true;
      sink.srcObject = heard;
      sink.play();
      context.createMediaStreamSource(heard).connect(window.analyser);
    });
    call.on("confirmed", () => confirmed("confirmed"));
    call.on("failed", ({ cause }) => failed(new Error(cause)));
  });
};

window.hangUp = () =>
  new Promise((ended) => {
    window.call.on("ended", ({ originator }) => ended(originator));
    window.call.terminate();
  });

window.unregister = () =>
  new Promise((gone) => {
    window.agent.on("unregistered", () => gone("unregistered"));
    window.agent.stop();
  });

// Keeps the call that goes on, so that a second one may be joined with it.
window.keep = () => (window.calls = [...(window.calls ?? []), window.call]);

window.join = () =>
  new Promise((accepted, failed) => {
    const [first, second] = window.calls;
    first.refer(second.remote_identity.uri, {
      replaces: second,
      eventHandlers: {
        accepted: () => accepted("accepted"),
        failed: ({ request }) => failed(new Error(request.body)),
        requestFailed: ({ cause }) => failed(new Error(cause)),
      },
    });
  });
