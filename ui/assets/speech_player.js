// Plays PCM16 blocks without gaps, on the clock of one AudioContext, while later blocks are still arriving.
const LEAD_SECONDS = 0.06;

function samplesOf(pcm64) {
  const bytes = Uint8Array.from(atob(pcm64), (letter) => letter.charCodeAt(0));
  return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}

export default {
  template: `<span class="speech-player" aria-hidden="true"></span>`,
  created() {
    this.context = null;
    this.sources = new Set();
    this.end = 0; // when the last scheduled block ends, on the clock of the context
    this.stoppedTurn = null; // blocks of this turn that arrive later are dropped
    this.finishedTurn = null; // the turn whose last block has arrived
    this.stats = { scheduled: 0, seconds: 0, ended: 0, stopped: 0, late: 0 };
    this.unlock = () => this.context?.state === "suspended" && this.context.resume();
  },
  mounted() {
    window.secretarySpeech = this.stats;
    document.addEventListener("pointerdown", this.unlock);
    document.addEventListener("keydown", this.unlock);
  },
  unmounted() {
    document.removeEventListener("pointerdown", this.unlock);
    document.removeEventListener("keydown", this.unlock);
    this.stop(null);
    this.context?.close();
  },
  methods: {
    enqueue(turn, pcm64, rate, channels) {
      if (turn === this.stoppedTurn) return;
      const samples = samplesOf(pcm64);
      const frames = Math.floor(samples.length / channels);
      if (!frames) return;
      const context = this.openContext();
      const buffer = context.createBuffer(channels, frames, rate);
      for (let channel = 0; channel < channels; channel++) {
        const target = buffer.getChannelData(channel);
        for (let i = 0; i < frames; i++) target[i] = samples[i * channels + channel] / 32768;
      }
      this.schedule(context, buffer);
    },
    schedule(context, buffer) {
      const source = context.createBufferSource();
      source.buffer = buffer;
      source.connect(context.destination);
      source.onended = () => this.forget(source);
      const now = context.currentTime;
      if (this.end && this.end < now && this.sources.size === 0) this.stats.late += 1;
      const start = Math.max(this.end, now + LEAD_SECONDS);
      source.start(start);
      this.end = start + buffer.duration;
      this.sources.add(source);
      this.stats.scheduled += 1;
      this.stats.seconds += buffer.duration;
    },
    finish(turn) {
      this.finishedTurn = turn;
      this.reportPlayed();
    },
    stop(turn) {
      this.stoppedTurn = turn;
      this.finishedTurn = null;
      this.stats.stopped += this.sources.size;
      for (const source of this.sources) {
        source.onended = null;
        source.stop();
      }
      this.sources.clear();
      this.end = 0;
    },
    forget(source) {
      this.sources.delete(source);
      this.stats.ended += 1;
      this.reportPlayed();
    },
    reportPlayed() {
      if (this.finishedTurn === null || this.sources.size) return;
      const turn = this.finishedTurn;
      this.finishedTurn = null;
      this.end = 0;
      this.$emit("played", turn);
    },
    openContext() {
      this.context ??= new AudioContext({ latencyHint: "interactive" });
      if (this.context.state === "suspended") {
        this.context.resume();
        if (!navigator.userActivation?.hasBeenActive) this.$emit("blocked");
      }
      return this.context;
    },
  },
};
