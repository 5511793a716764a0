// Level of what `window.analyser` hears at a frequency against all others that are not near it, decibels.
window.standsOut = (hertz) => {
  if (!window.analyser) return -200;
  const bins = new Float32Array(window.analyser.frequencyBinCount);
  window.analyser.getFloatFrequencyData(bins);
  const width = window.analyser.context.sampleRate / window.analyser.fftSize;
  const wanted = Math.round(hertz / width);
  let others = -200;
  bins.forEach((level, bin) => {
    if (Math.abs(bin - wanted) > 12) others = Math.max(others, level);
  });
  const level = Math.max(...bins.slice(wanted - 2, wanted + 3));
  return level > -80 ? level - others : -200;
};
