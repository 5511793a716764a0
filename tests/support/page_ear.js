// Put into a page before its own scripts: hears what its calls hear, and leaves the fake microphone's tone as it is.
{
  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...wishes) {
      super(...wishes);
      this.addEventListener("track", ({ track }) => {
        const context = new AudioContext();
        window.analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
        context.createMediaStreamSource(new MediaStream([track])).connect(window.analyser);
      });
    }
  };
  const media = navigator.mediaDevices;
  const open = media?.getUserMedia.bind(media);
  if (open) {
    // What cleans a voice takes a steady tone for noise.
    const asIs = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    media.getUserMedia = () => open({ audio: asIs });
  }
}
