// A test call: speaks one text over the phone protocol (docs/phone-protocol.md), plays the frames and measures them.
const LEAD_SECONDS = 0.12;

export default {
  template: `<span class="phone-call" aria-hidden="true"></span>`,
  props: { path: String },
  created() {
    this.socket = null;
    this.context = null;
    this.end = 0;
    this.sources = new Set();
  },
  unmounted() {
    this.hangUp();
    this.context?.close();
  },
  methods: {
    call(key, request) {
      this.hangUp();
      this.context ??= new AudioContext({ latencyHint: "interactive" });
      this.context.resume();
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      const url = `${scheme}//${location.host}${this.path}`;
      const call = { url, opened: 0, asked: 0, first: 0, frames: 0, over: false };
      const began = performance.now();
      const socket = (this.socket = new WebSocket(url));
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        call.opened = performance.now() - began;
        socket.send(JSON.stringify({ type: "auth", api_key: key }));
      };
      socket.onmessage = (message) => {
        if (socket !== this.socket) return;
        if (typeof message.data === "string") this.hear(socket, call, JSON.parse(message.data), request);
        else this.play(call, message.data);
      };
      socket.onclose = (event) => {
        if (socket !== this.socket || call.over) return;
        this.report(call, "closed", { code: event.code, reason: event.reason });
      };
    },
    hear(socket, call, event, request) {
      if (event.type === "ready") {
        call.asked = performance.now();
        socket.send(JSON.stringify({ ...request, type: "speak", id: "test", format: "pcm16" }));
        this.report(call, "ready", {});
      } else if (event.type === "finished" || event.type === "cancelled") {
        call.over = true;
        this.report(call, "finished", event);
        socket.close(1000);
      } else if (event.type === "error" && call.asked) {
        call.over = true;
        this.report(call, "error", event);
        socket.close(1000);
      }
    },
    play(call, frame) {
      if (!call.first) {
        call.first = performance.now() - call.asked;
        this.end = 0;
        this.report(call, "speaking", {});
      }
      call.frames += 1;
      const samples = new Int16Array(frame);
      const buffer = this.context.createBuffer(1, samples.length, 8000);
      const target = buffer.getChannelData(0);
      for (let i = 0; i < samples.length; i++) target[i] = samples[i] / 32768;
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.connect(this.context.destination);
      source.onended = () => this.sources.delete(source);
      const start = Math.max(this.end, this.context.currentTime + (this.end ? 0 : LEAD_SECONDS));
      source.start(start);
      this.end = start + buffer.duration;
      this.sources.add(source);
    },
    hangUp() {
      const socket = this.socket;
      this.socket = null;
      socket?.close(1000);
      for (const source of this.sources) source.stop();
      this.sources.clear();
      this.end = 0;
    },
    report(call, state, event) {
      const { url, opened, first, frames } = call;
      this.$emit("call", { state, url, opened_ms: opened, first_ms: first, frames, event });
    },
  },
};
