// The button for light and dark: as the system says, light, dark. Remembered where the browser lets a file remember.
import { byId, themeChanged } from './data.ts';

const CHOICES = ['system', 'light', 'dark'] as const;
type Choice = (typeof CHOICES)[number];
const SIGNS: Readonly<Record<Choice, string>> = { system: '◐', light: '☀', dark: '☾' };
const TEXTS: Readonly<Record<Choice, string>> = { system: 'as the system', light: 'light', dark: 'dark' };
const KEY = 'kubetick-theme';

export function startTheme(): void {
  const button = byId('theme', HTMLButtonElement);
  if (button === null) return;
  let choice = remembered();
  const apply = (): void => {
    if (choice === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = choice;
    button.textContent = SIGNS[choice];
    button.setAttribute('aria-label', `Colours: ${TEXTS[choice]}`);
    button.title = `Colours: ${TEXTS[choice]}`;
    themeChanged();
  };
  button.addEventListener('click', () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]!;
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // A page without storage forgets: that is all.
    }
    apply();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', themeChanged);
  apply();
}

function remembered(): Choice {
  try {
    const kept = localStorage.getItem(KEY);
    return CHOICES.find((choice) => choice === kept) ?? 'system';
  } catch {
    return 'system';
  }
}
