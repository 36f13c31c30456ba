// Records the microphone as it is, without filters, and hands the recording to an uploader of the page.
const BITS_PER_SECOND = 128000;
const PROBLEMS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing" };
const AUDIO = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };

export default {
  template: `<span class="recorder-time" role="timer" v-show="seconds !== null">{{ seconds }}</span>`,
  props: { uploader: Number, most: Number },
  data: () => ({ seconds: null }),
  unmounted() {
    this.wanted = false;
    this.stop();
  },
  methods: {
    async start() {
      if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
        this.$emit("problem", window.isSecureContext ? "unsupported" : "insecure");
        return;
      }
      try {
        this.record(await navigator.mediaDevices.getUserMedia({ audio: AUDIO }));
      } catch (error) {
        this.$emit("problem", PROBLEMS[error.name] ?? "unsupported");
      }
    },
    record(stream) {
      const chunks = [];
      this.wanted = true;
      this.recorder = new MediaRecorder(stream, { audioBitsPerSecond: BITS_PER_SECOND });
      this.seconds = 0;
      const timer = setInterval(() => ++this.seconds >= this.most && this.stop(), 1000);
      this.recorder.ondataavailable = (event) => chunks.push(event.data);
      this.recorder.onstop = () => {
        clearInterval(timer);
        stream.getTracks().forEach((track) => track.stop());
        const type = this.recorder.mimeType || "audio/webm";
        const ending = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
        this.recorder = null;
        this.seconds = null;
        if (!this.wanted) return;
        this.$emit("stopped");
        getElement(this.uploader).$refs.qRef.addFiles([new File(chunks, `recording.${ending}`, { type })]);
      };
      this.recorder.start();
      this.$emit("started");
    },
    stop() {
      if (this.recorder?.state === "recording") this.recorder.stop();
    },
  },
};
