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

// Level at a frequency, decibels of full scale.
window.levelAt = (hertz) => {
  if (!window.analyser) return -200;
  const bins = new Float32Array(window.analyser.frequencyBinCount);
  window.analyser.getFloatFrequencyData(bins);
  const wanted = Math.round((hertz * window.analyser.fftSize) / window.analyser.context.sampleRate);
  return Math.max(...bins.slice(wanted - 2, wanted + 3));
};
