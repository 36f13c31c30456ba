// Finds what is wider than the screen, cut off, or overlaps, on the page (root: .shell) or in a dialog or menu. Returns a
// list of sentences.
(root) => {
  const problems = [];
  const name = (element) => {
    const own = element.className?.baseVal ?? element.className ?? "";
    const text = (element.getAttribute("aria-label") || element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40);
    return `${element.tagName.toLowerCase()}.${String(own).trim().split(/\s+/).slice(0, 3).join(".")} "${text}"`;
  };
  const ancestors = (element) => {
    const found = [];
    for (let each = element.parentElement; each; each = each.parentElement) found.push(each);
    return found;
  };
  const styles = new Map();
  const style = (element) => {
    if (!styles.has(element)) styles.set(element, getComputedStyle(element));
    return styles.get(element);
  };
  const hidden = (element) => !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    || [element, ...ancestors(element)].some((each) => style(each).clipPath !== "none" || each.getAttribute("aria-hidden") === "true");
  const scrolls = (element, axis) => ["auto", "scroll"].includes(style(element)[`overflow${axis}`]);
  const clips = (element, axis) => ["hidden", "clip"].includes(style(element)[`overflow${axis}`]);
  const shortened = (element) => style(element).textOverflow === "ellipsis" || style(element).webkitLineClamp !== "none";

  if (document.documentElement.scrollWidth > innerWidth) problems.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  const isPage = root.matches(".shell");
  root = root.querySelector(":scope > .q-dialog__inner > *") ?? root;
  const place = root.getBoundingClientRect();
  if (!isPage && (place.top < -1 || place.bottom > innerHeight + 1)) problems.push("higher than the screen");
  const all = [...root.querySelectorAll("*")].filter((each) => !hidden(each));
  for (const element of all) {
    const box = element.getBoundingClientRect();
    const above = ancestors(element);
    const inDialog = above.filter((each) => each !== root && root.contains(each));
    if (!isPage && box.width && (box.right > place.right + 1 || box.left < place.left - 1) && !inDialog.some((each) => scrolls(each, "X") || clips(each, "X")))
      problems.push(`sticks out of the dialog: ${name(element)}`);
    if (box.width && (box.right > innerWidth + 1 || box.left < -1) && !above.some((each) => scrolls(each, "X") || clips(each, "X")))
      problems.push(`wider than the screen: ${name(element)}`);
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.textContent.trim() || element.closest("svg, canvas, .q-icon")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) {
        const cutting = [element, ...above].find((each) => {
          if (scrolls(each, "X") || scrolls(each, "Y")) return true;
          const edge = each.getBoundingClientRect();
          return (clips(each, "X") && rect.right > edge.right + 2) || (clips(each, "Y") && rect.bottom > edge.bottom + 3);
        });
        if (cutting && !scrolls(cutting, "X") && !scrolls(cutting, "Y") && !shortened(cutting) && !shortened(element)) {
          problems.push(`cut off: ${name(element)}`);
          break;
        }
      }
    }
  }
  const pinned = (element) => [element, ...ancestors(element)].some((each) =>
    each !== root && root.contains(each) && ["fixed", "sticky"].includes(style(each).position));
  const controls = all.filter((each) =>
    each.matches("a[href], button, input:not([type=hidden], [type=file]), select, textarea, [role=button], [role=switch], [role=tab], [role=checkbox], [role=slider]")
    && !pinned(each));
  const visible = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    const box = { left, top, right, bottom };
    for (const each of ancestors(element).filter((above) => root.contains(above) && style(above).overflow !== "visible")) {
      const edge = each.getBoundingClientRect();
      box.left = Math.max(box.left, edge.left), box.right = Math.min(box.right, edge.right);
      box.top = Math.max(box.top, edge.top), box.bottom = Math.min(box.bottom, edge.bottom);
    }
    return box;
  };
  const boxes = new Map(controls.map((each) => [each, visible(each)]));
  for (const [index, one] of controls.entries()) {
    const a = boxes.get(one);
    for (const other of controls.slice(index + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const field = one.closest(".q-field");
      if (field && field === other.closest(".q-field")) continue;
      const b = boxes.get(other);
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (width > 2 && height > 2) problems.push(`overlap: ${name(one)} and ${name(other)}`);
    }
  }
  const main = document.querySelector(".shell-main"), bar = document.querySelector(".shell-nav");
  if (isPage && innerWidth <= 760) {
    scrollTo(0, document.documentElement.scrollHeight);
    const last = Math.max(...all.filter((each) => main.contains(each) && !pinned(each) && each !== main && !ancestors(each).some((above) => scrolls(above, "Y"))).map((each) => each.getBoundingClientRect().bottom));
    if (last > bar.getBoundingClientRect().top + 1) problems.push("the end of the page is behind the navigation");
    if (Math.abs(bar.getBoundingClientRect().bottom - innerHeight) > 1) problems.push("the navigation is not at the bottom");
  }
  return [...new Set(problems)];
}
