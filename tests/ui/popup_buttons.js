// Without `kind`: the kinds of buttons below `root` that open a dialog or a menu. The buttons of all rows of a list are of
// one kind; kinds of which a button was clicked before are left out. With `kind`: its first button.
(root, kind) => {
  const kindOf = (button) =>
    [button.textContent.replace(/[0-9]+/g, "").trim(), button.className, button.parentElement.className].join(" | ");
  const buttons = [...root.querySelectorAll("[aria-haspopup=dialog], [aria-haspopup=menu]")].filter((button) =>
    button.checkVisibility({ visibilityProperty: true }) && !button.disabled && button.ariaDisabled !== "true");
  if (kind) {
    const first = buttons.find((button) => kindOf(button) === kind);
    if (first) first.dataset.clicked = "";
    return first;
  }
  const clicked = new Set(buttons.filter((button) => "clicked" in button.dataset).map(kindOf));
  return [...new Set(buttons.map(kindOf))].filter((each) => !clicked.has(each));
}
