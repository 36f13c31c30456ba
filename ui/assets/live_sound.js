// An audio worklet: blocks of 100 ms of PCM16 at ``rate``, each with its level from 0 to 1. Sound of a higher rate is averaged.
class LiveSound extends AudioWorkletProcessor {
  constructor(options) {
    super();
    const { rate } = options.processorOptions;
    this.step = sampleRate / rate;
    this.block = new Int16Array(rate / 10);
    this.filled = 0;
    this.sum = 0;
    this.count = 0;
    this.phase = 0;
    this.peak = 0;
  }

  process([input]) {
    for (const sample of input[0] ?? []) {
      this.sum += sample;
      this.count += 1;
      this.phase += 1;
      if (this.phase >= this.step) this.add(this.sum / this.count);
    }
    return true;
  }

  add(value) {
    this.phase -= this.step;
    this.sum = this.count = 0;
    this.peak = Math.max(this.peak, Math.abs(value));
    this.block[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
    if (this.filled < this.block.length) return;
    this.port.postMessage({ samples: this.block.slice().buffer, level: Math.min(1, Math.sqrt(this.peak) * 1.2) });
    this.filled = 0;
    this.peak = 0;
  }
}

registerProcessor("live-sound", LiveSound);
