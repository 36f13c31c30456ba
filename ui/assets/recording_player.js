// Plays a recording beside its waveform (wavesurfer.js). The sound is asked for when somebody wants to hear it.
const STEP_SECONDS = 5;

function blobOf(sound64, type) {
  return new Blob([Uint8Array.from(atob(sound64), (letter) => letter.charCodeAt(0))], { type });
}

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export default {
  props: { library: String, seconds: Number, listen: String, halt: String, position: String },
  data() {
    return { state: "closed", now: 0, length: this.seconds };
  },
  template: `
    <div class="recording-player" :data-state="state">
      <button type="button" class="recording-button" :aria-label="state === 'playing' ? halt : listen"
              :disabled="state === 'loading'" @click="toggle">
        <i class="material-icons" aria-hidden="true">{{ icon }}</i>
      </button>
      <div v-show="isOpen" ref="wave" class="recording-wave" role="slider" tabindex="0" :aria-label="position"
           aria-valuemin="0" :aria-valuemax="Math.round(length)" :aria-valuenow="Math.round(now)"
           :aria-valuetext="time" @keydown.left.prevent="move(-1)" @keydown.right.prevent="move(1)"></div>
      <span class="recording-time">{{ time }}</span>
    </div>`,
  computed: {
    isOpen() {
      return this.state === "ready" || this.state === "playing";
    },
    icon() {
      return { playing: "stop", loading: "hourglass_top" }[this.state] ?? "play_arrow";
    },
    time() {
      return this.isOpen ? `${clock(this.now)} / ${clock(this.length)}` : this.length ? clock(this.length) : "";
    },
  },
  beforeUnmount() {
    this.wave?.destroy();
  },
  methods: {
    toggle() {
      if (this.state === "closed") {
        this.state = "loading";
        this.$emit("wanted");
      } else if (this.state === "playing") {
        this.wave.stop();
      } else {
        this.wave.play();
      }
    },
    async load(sound64, type) {
      try {
        await import(this.library);
        const colors = getComputedStyle(this.$refs.wave);
        this.wave = window.WaveSurfer.create({
          container: this.$refs.wave,
          height: 36,
          barWidth: 2,
          barGap: 1,
          barRadius: 2,
          waveColor: colors.getPropertyValue("--muted"),
          progressColor: colors.getPropertyValue("--accent"),
        });
        this.wave.on("timeupdate", (seconds) => (this.now = seconds));
        this.wave.on("play", () => (this.state = "playing"));
        this.wave.on("pause", () => (this.state = "ready"));
        this.wave.on("finish", () => (this.state = "ready"));
        this.state = "ready"; // the waveform needs a width before it is drawn
        await this.$nextTick();
        await this.wave.loadBlob(blobOf(sound64, type));
        this.length = this.wave.getDuration();
        await this.wave.play();
      } catch (error) {
        this.fail();
        this.$emit("unplayable", String(error?.message ?? error));
      }
    },
    fail() {
      this.wave?.destroy();
      this.wave = null;
      this.state = "closed";
    },
    move(steps) {
      if (this.isOpen) this.wave.setTime(Math.min(this.length, Math.max(0, this.now + steps * STEP_SECONDS)));
    },
  },
};
