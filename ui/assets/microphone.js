// Records the microphone (MediaRecorder) and hands the recording to an uploader of the page.
const MAX_SECONDS = 120;
const BITS_PER_SECOND = 32000;
const PART_MS = 250;
const NAMES = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing" };

export default {
  template: `<span class="microphone" hidden></span>`,
  created() {
    this.recorder = null;
    this.wanted = true;
  },
  unmounted() {
    this.cancel();
  },
  methods: {
    async start(uploaderId) {
      if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
        this.$emit("problem", window.isSecureContext ? "unsupported" : "insecure");
        return;
      }
      try {
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
        this.record(stream, uploaderId);
      } catch (error) {
        this.$emit("problem", NAMES[error.name] ?? "unsupported");
      }
    },
    record(stream, uploaderId) {
      const chunks = [];
      this.wanted = true;
      this.recorder = new MediaRecorder(stream, { audioBitsPerSecond: BITS_PER_SECOND });
      const timer = setTimeout(() => this.stop(), MAX_SECONDS * 1000);
      this.recorder.ondataavailable = (event) => {
        if (!chunks.length) this.$emit("started"); // sound has arrived: from now on there is something to stop
        chunks.push(event.data);
      };
      this.recorder.onstop = () => {
        clearTimeout(timer);
        stream.getTracks().forEach((track) => track.stop());
        const type = this.recorder.mimeType || "audio/webm";
        this.recorder = null;
        if (!this.wanted) return;
        const file = new File(chunks, `recording.${type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm"}`, { type });
        this.$emit("recorded");
        getElement(uploaderId).$refs.qRef.addFiles([file]);
      };
      this.recorder.start(PART_MS);
    },
    stop() {
      if (this.recorder?.state === "recording") this.recorder.stop();
    },
    cancel() {
      this.wanted = false;
      this.stop();
    },
  },
};
