// The shell in the browser: the note about a lost connection, the installation as an app, and the keys of the palette.
(() => {
  const texts = JSON.parse(document.getElementById("panel-texts").textContent);

  // Offline: the page stays as it is, and a note says so. Nothing is reloaded while the server can still resume it.
  const note = Object.assign(document.createElement("div"), { className: "connection-note", hidden: true });
  note.setAttribute("role", "status");
  const show = (lost) => {
    if (lost === !note.hidden) return;
    const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    note.textContent = lost ? texts.connectionLost.replace("{time}", time) : "";
    note.hidden = !lost;
  };
  let waiting = 0;
  const follow = () => {
    const lost = document.getElementById("popup").getAttribute("aria-hidden") !== "true";
    clearTimeout(waiting);
    if (lost) waiting = setTimeout(show, 700, true);
    else show(false);
  };
  addEventListener("DOMContentLoaded", () => {
    document.body.append(note);
    new MutationObserver(follow).observe(document.getElementById("popup"), { attributes: true });
  });
  const patient = setInterval(() => {
    if (!window.socket) return;
    clearInterval(patient);
    window.socket.io.timeout(60_000); // NiceGUI reloads the page when two attempts to connect time out
  }, 200);

  // The app.
  const root = new URL("..", document.currentScript.src).pathname;
  navigator.serviceWorker?.register(`${root}service-worker.js`, { scope: root }).catch(() => undefined);
  let prompt;
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    prompt = event;
    document.body.dataset.installable = "";
  });
  window.installPanel = () => {
    prompt?.prompt();
    prompt = undefined;
    delete document.body.dataset.installable;
  };

  // Presses the main button in the heading of a page as soon as the page at ``path`` has one.
  window.pressMainButton = (path, tries = 50) => {
    const button = document.querySelector(".shell-main .page-head .q-btn.bg-primary");
    if (location.pathname === `${root.slice(0, -1)}${path}` && button) button.click();
    else if (tries) setTimeout(window.pressMainButton, 100, path, tries - 1);
  };

  // The palette: Ctrl-K or Cmd-K opens it; the arrows walk through what it found, Enter takes the first.
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.code === "KeyK") {
      event.preventDefault();
      if (!document.querySelector(".palette")) document.querySelector(".palette-button")?.click();
      return;
    }
    const palette = event.target.closest?.(".palette");
    if (!palette) return;
    const found = [...palette.querySelectorAll(".palette-entry")];
    const at = found.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = at + (event.key === "ArrowDown" ? 1 : -1);
      (found[next] ?? palette.querySelector("input")).focus();
    } else if (event.key === "Enter" && at < 0) {
      event.preventDefault();
      found[0]?.click();
    } else if (at >= 0 && event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== " ") {
      palette.querySelector("input").focus();
    }
  }, true);
})();
