// A WebRTC peer that says one tone and measures what it hears. Its signalling is somebody else's business.
window.say = async (hertz) => {
  const context = new AudioContext();
  const voice = new OscillatorNode(context, { frequency: hertz });
  const said = context.createMediaStreamDestination();
  voice.connect(new GainNode(context, { gain: 0.25 })).connect(said);
  voice.start();
  const peer = (window.peer = new RTCPeerConnection());
  peer.addTrack(said.stream.getAudioTracks()[0], said.stream);
  window.analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
  peer.ontrack = ({ track }) => {
    const heard = new MediaStream([track]);
    const sink = (window.sink = new Audio());  // Chromium decodes for WebAudio only what also goes somewhere
    sink.muted = true;
    sink.srcObject = heard;
    sink.play();
    context.createMediaStreamSource(heard).connect(window.analyser);
  };
};

window.offer = async () => {
  await window.peer.setLocalDescription();
  await new Promise((gathered) => {
    const look = () => window.peer.iceGatheringState === "complete" && gathered();
    window.peer.onicegatheringstatechange = look;
    look();
  });
  return window.peer.localDescription.sdp;
};

window.answered = (sdp) => window.peer.setRemoteDescription({ type: "answer", sdp });

window.answer = async (sdp) => {
  await window.peer.setRemoteDescription({ type: "offer", sdp });
  return window.offer();
};

window.statistics = async () => {
  const all = [...(await window.peer.getStats()).values()];
  const transport = all.find((row) => row.type === "transport");
  const inbound = all.find((row) => row.type === "inbound-rtp");
  const codec = all.find((row) => row.id === inbound?.codecId);
  return {
    dtls: transport.dtlsState,
    version: transport.tlsVersion,
    srtp: transport.srtpCipher,
    codec: codec?.mimeType,
    lost: inbound?.packetsLost,
    received: inbound?.packetsReceived,
    remote: all.find((row) => row.type === "remote-inbound-rtp"),
  };
};
