// Put into a page before its own scripts: what it sounds by itself, and the notifications that it shows.
{
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) {
      window.sounding = new AnalyserNode(this.context, { fftSize: 4096, smoothingTimeConstant: 0 });
      connect.call(this, window.sounding);
    }
    return connect.call(this, to, ...more);
  };
  window.notes = [];
  window.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      this.told = { title, closed: false };
      window.notes.push(this.told);
    }
    close() {
      this.told.closed = true;
      super.close();
    }
  };
  // A browser without windows shows every page.
  Object.defineProperty(document, "hidden", { get: () => window.lookedAway === true });
}

// Level of what the page sounds at a frequency, decibels of full scale; nothing once it stopped.
window.soundedAt = (hertz) => {
  const { sounding } = window;
  if (!sounding || sounding.context.state !== "running") return -200;
  const bins = new Float32Array(sounding.frequencyBinCount);
  sounding.getFloatFrequencyData(bins);
  const wanted = Math.round((hertz * sounding.fftSize) / sounding.context.sampleRate);
  return Math.max(...bins.slice(wanted - 2, wanted + 3));
};
