// The microphone of the browser: records it for an uploader of the page, or sends its sound while somebody speaks.
const PROBLEMS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing" };
const LIVE_RATE = 16000;
const PART_MS = 250;

function encode(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

export default {
  template: `<span class="microphone"><span v-if="timed" class="recorder-time" role="timer" v-show="seconds !== null">{{
    seconds }}</span></span>`,
  props: { most: Number, bitRate: Number, filtered: Boolean, timed: Boolean, worklet: String },
  data: () => ({ seconds: null }),
  created() {
    this.recorder = null;
    this.context = null; // of the live sound
    this.stream = null;
    this.opening = 0; // the newest request for the microphone; an answer to an older one is not wanted any more
    this.onLost = () => this.fail("lost");
  },
  unmounted() {
    this.cancel();
  },
  methods: {
    async open() {
      const request = ++this.opening;
      const on = this.filtered;
      const audio = { echoCancellation: on, noiseSuppression: on, autoGainControl: on, channelCount: 1 };
      if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder || !window.AudioWorkletNode) {
        this.$emit("problem", window.isSecureContext ? "unsupported" : "insecure");
        return null;
      }
      try {
        const stream = await navigator.mediaDevices.getUserMedia({ audio });
        if (request === this.opening) return (this.stream = stream);
        stream.getTracks().forEach((track) => track.stop());
      } catch (error) {
        if (request === this.opening) this.$emit("problem", PROBLEMS[error.name] ?? "unsupported");
      }
      return null;
    },
    async record(uploaderId) {
      const stream = await this.open();
      if (!stream) return;
      const chunks = [];
      const recorder = (this.recorder = new MediaRecorder(stream, { audioBitsPerSecond: this.bitRate }));
      this.seconds = 0;
      const timer = setInterval(() => ++this.seconds >= this.most && this.stop(), 1000);
      recorder.ondataavailable = (event) => {
        if (!chunks.length) this.$emit("started"); // sound has arrived: from now on there is something to stop
        chunks.push(event.data);
      };
      recorder.onstop = () => {
        clearInterval(timer);
        const wanted = this.recorder === recorder;
        this.release();
        if (!wanted) return;
        const type = recorder.mimeType || "audio/webm";
        const ending = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
        this.$emit("stopped");
        getElement(uploaderId).$refs.qRef.addFiles([new File(chunks, `recording.${ending}`, { type })]);
      };
      recorder.start(PART_MS);
    },
    async talk() {
      const stream = await this.open();
      if (!stream) return;
      try {
        const source = await this.listen(stream);
        source.port.onmessage = ({ data }) => {
          this.$emit("sound", encode(data.samples));
          this.showLevel(data.level);
        };
      } catch {
        if (this.stream === stream) this.fail("unsupported");
        return;
      }
      stream.getAudioTracks()[0].onended = () => this.fail("unplugged");
      window.socket.on("disconnect", this.onLost);
      this.$emit("started");
    },
    async listen(stream) {
      let source;
      try {
        this.context = new AudioContext({ sampleRate: LIVE_RATE });
        source = this.context.createMediaStreamSource(stream);
      } catch {
        this.context = new AudioContext(); // Firefox connects a microphone only at the rate of the device
        source = this.context.createMediaStreamSource(stream);
      }
      await this.context.audioWorklet.addModule(this.worklet);
      const blocks = new AudioWorkletNode(this.context, "live-sound", { processorOptions: { rate: LIVE_RATE } });
      source.connect(blocks).connect(this.context.destination);
      await this.context.resume();
      return blocks;
    },
    showLevel(level) {
      this.$el.parentElement?.style.setProperty("--level", level.toFixed(2));
    },
    fail(problem) {
      this.cancel();
      this.$emit("problem", problem);
    },
    stop() {
      if (this.recorder?.state === "recording") this.recorder.stop();
    },
    cancel() {
      this.opening++;
      const recorder = this.recorder;
      this.recorder = null;
      if (recorder?.state === "recording") recorder.stop();
      this.release();
    },
    release() {
      window.socket?.off("disconnect", this.onLost);
      this.stream?.getTracks().forEach((track) => (track.onended = null) || track.stop());
      this.context?.close();
      this.recorder = this.context = this.stream = this.seconds = null;
    },
  },
};
