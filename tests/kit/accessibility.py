"""Scripts that tell what of a page some readers could not use: each gives a list of it."""

# WCAG 2.2, 1.4.3: https://www.w3.org/TR/WCAG22/#contrast-minimum
FAINT = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (one) => {
    for (let here = one; here; here = here.parentElement) {
      const found = parts(getComputedStyle(here).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    const color = parts(one instanceof SVGElement ? style.fill : style.color);
    const [dark, bright] = [light(color), light(ground(one))].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < 4.5) faint.push(`${texts.currentNode.textContent.trim()} ${ratio.toFixed(2)}`);
  }
  return faint;
})()"""
_NAMED = "button, a, input, table, svg, [role=img], [role=region], [role=group]"
UNNAMED = f"""[...document.querySelectorAll('{_NAMED}')]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length || one.ariaHidden
    || one.caption || document.getElementById(one.getAttribute('aria-labelledby'))))
  .map((one) => one.outerHTML)"""
