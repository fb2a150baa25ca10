// What a plain YAML scalar means to Kubernetes. Manifests are read with the rules of sigs.k8s.io/yaml (a YAML 1.1
// reader written in Go, then JSON), which differ from both YAML 1.2 and the letter of YAML 1.1: yes/no/on/off/y/n are
// booleans, `010` is eight, `1_000` a thousand, but `12:30` and dates stay text. Source of the rules:
// sigs.k8s.io/yaml goyaml.v2/resolve.go (as used by Kubernetes v1.36).

const TRUE = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const FALSE = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);
const NULL = new Set(['', '~', 'null', 'Null', 'NULL']);
const NOT_FINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
/** strconv.ParseInt with base 0, underscores already taken out. */
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

export type PlainValue = string | number | boolean | null;

/** The number that the text is, or undefined. NaN and infinities come back as such: JSON cannot hold them. */
export function plainNumber(text: string): number | undefined {
  if (NOT_FINITE.test(text)) {
    if (text.endsWith('n') || text.endsWith('N')) return Number.NaN;
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  // Underscores may part digits, but not in a number that begins with its point.
  const plain = text.includes('_') && !text.startsWith('.') ? text.replaceAll('_', '') : text;
  const m = INTEGER.exec(plain);
  if (m !== null) {
    const [, sign, hex, binary, octal, decimal] = m;
    if (decimal !== undefined && decimal.length <= 15)
      return sign === '-' ? 0 - Number(decimal) : Number(decimal);
    const digits =
      hex !== undefined
        ? `0x${hex}`
        : binary !== undefined
          ? `0b${binary}`
          : octal !== undefined
            ? `0o${octal}`
            : decimal!;
    const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
    if (value >= INT64_MIN && value <= UINT64_MAX) return Number(value);
  }
  if (!FLOAT.test(plain)) return undefined;
  const value = Number(plain);
  // ParseFloat reports a range error for what does not fit, and the text stays text.
  return Number.isFinite(value) ? value : undefined;
}

/** The value of an untagged, unquoted scalar. */
export function plainValue(text: string): PlainValue {
  const c = text.charCodeAt(0);
  // digit, sign or point: a number or text
  if ((c >= 48 && c <= 57) || c === 43 || c === 45 || c === 46) return plainNumber(text) ?? text;
  if (text.length > 5) return text;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  if (NULL.has(text)) return null;
  return text;
}
