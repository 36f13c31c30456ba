// Keeps the files of the shell. Their addresses contain a version. Pages with data and REST are never kept.
const CACHE = "panel-__ASSETS__-__NICEGUI__";
const ROOT = new URL("./", self.location).pathname;
const OFFLINE = `${ROOT}assets/offline.html`;
const KEPT = [`${ROOT}assets/`, ...["static", "components", "libraries", "esm"].map((part) => `${ROOT}_nicegui/__NICEGUI__/${part}/`)];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(OFFLINE)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name.startsWith("panel-") && name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop).then(() => self.clients.claim()));
});

async function keptOrFetched(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && response.type === "basic" && !response.redirected) await cache.put(request, response.clone());
  return response;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
  else if (KEPT.some((prefix) => url.pathname.startsWith(prefix)) && !request.headers.has("range")) event.respondWith(keptOrFetched(request));
});
