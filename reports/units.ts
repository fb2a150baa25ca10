// Numbers for people, the same on every machine: no locale has a part. No module of Node, so that the script of the
// HTML report uses the same rules as the terminal.

/** Seconds for people: 3 significant digits in the unit that suits. */
export function humanSeconds(seconds: number): string {
  if (seconds === 0) return '0';
  if (seconds < 1e-3) return `${significant(seconds * 1e6)} µs`;
  if (seconds < 1) return `${significant(seconds * 1e3)} ms`;
  if (seconds < 120) return `${significant(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const rest = whole % 60;
  return `${hours > 0 ? `${hours} h ` : ''}${minutes} min${rest > 0 ? ` ${rest} s` : ''}`;
}

/** 1234567 → `1,234,567`, the same in every locale. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Three significant digits; whole numbers from 100 on. */
export function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
