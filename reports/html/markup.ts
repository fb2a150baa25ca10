// HTML as text that cannot be broken by names: what is put into a template is escaped unless it is markup itself.

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | null | undefined | false | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What HTML does not allow at all (control characters) becomes a visible sign. */
const UNPRINTABLE = /\p{Cs}|(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu;
/** Characters that turn the direction of the text after them around: a name must not change what stands beside it. */
const BIDI = /[\u202a-\u202e\u2066-\u2069]/g;

export const escaped = (text: string): string =>
  text
    .replace(UNPRINTABLE, '\ufffd')
    .replace(BIDI, '\ufffd')
    .replace(/[&<>"']/g, (sign) => ESCAPES[sign]!);

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return part.map(textOf).join('');
}

/** A template of HTML or SVG: texts and numbers are escaped, lists are joined, nothing stands for null and false. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0]!;
  for (const [i, part] of parts.entries()) text += textOf(part) + strings[i + 1]!;
  return new Markup(text);
}

/** A name with places to break it: after `,`, `=`, `:`, `/`, `.` and `_`. */
export const breakable = (name: string): Markup =>
  new Markup(
    escaped(name).replace(/(?:&[a-z0-9#]+;)|[,=:/._]/g, (sign) =>
      sign.startsWith('&') ? sign : `${sign}<wbr/>`,
    ),
  );

/** JSON for a data block of a page: nothing in it can end the block or begin a comment. */
export function jsonBlock(id: string, value: unknown): Markup {
  const text = JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  return new Markup(`<script type="application/json" id="${id}">${text}</script>`);
}
