// Keeps what is typed in the fields of one form in the session storage of the browser, so that it survives a reload
// and a lost connection. Fields are the native inputs with the attribute data-draft.
const PREFIX = "secretary-draft:";

export default {
  template: `<span class="browser-draft" hidden></span>`,
  created() {
    this.key = null;
    this.extra = {};
  },
  mounted() {
    this.form = this.$el.parentElement;
    this.form.addEventListener("input", this.save, true);
  },
  unmounted() {
    this.form?.removeEventListener("input", this.save, true);
  },
  methods: {
    watch(key, extra) {
      this.key = PREFIX + key;
      this.extra = extra;
      const stored = sessionStorage.getItem(this.key);
      if (stored) this.$emit("found", JSON.parse(stored));
    },
    keep(name, value) {
      this.extra[name] = value;
      this.save();
    },
    save() {
      if (!this.key) return;
      const values = { ...this.extra };
      for (const field of this.form.querySelectorAll("[data-draft]")) values[field.dataset.draft] = field.value;
      try {
        sessionStorage.setItem(this.key, JSON.stringify(values));
      } catch {
        // storage is full or switched off: nothing is kept
      }
    },
    forget() {
      if (this.key) sessionStorage.removeItem(this.key);
    },
    unwatch() {
      this.forget();
      this.key = null;
    },
  },
};
