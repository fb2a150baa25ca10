// Runs in a page: texts whose contrast to what lies behind them is below 4.5 (WCAG 2.2, 1.4.3), as its result.
(() => {
  const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const rgb = parse(getComputedStyle(at).backgroundColor);
      if (rgb.length === 3 || (rgb[3] ?? 0) > 0) return rgb;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const one of document.querySelectorAll('header *, main *, nav *, footer *')) {
    if (one.closest('svg, canvas, .sr-only') !== null || one.offsetParent === null) continue;
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5)
      found.add(`${ratio.toFixed(2)} ${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`);
  }
  return [...found];
})();
