// IP addresses and ranges as API fields hold them: reading, membership, and what the server says about bad ones
// (apimachinery/pkg/util/validation/ip.go and netutils, v1.36).
import type { FieldErrors } from './field-errors.ts';

export interface IpAddress {
  readonly family: 'IPv4' | 'IPv6';
  readonly bytes: readonly number[];
}

export const ipMessage = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
/** Names that are addresses: those of IPAddress objects. */
export const ipMessages = (value: string): string[] => (parseIp(value) === undefined ? [ipMessage] : []);
const cidrMessage = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d+$/.test(part) && Number(part) <= 255))
    return undefined;
  return parts.map(Number);
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): number[] | undefined => {
    if (half === '') return [];
    const bytes: number[] = [];
    const parts = half.split(':');
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1 && part.includes('.')) {
        const tail = parseIpv4(part);
        if (tail === undefined) return undefined;
        bytes.push(...tail);
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
        const value = Number.parseInt(part, 16);
        bytes.push(value >> 8, value & 255);
      } else return undefined;
    }
    return bytes;
  };
  const head = groups(halves[0] as string);
  const tail = halves.length === 2 ? groups(halves[1] as string) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Reads an address as the legacy fields do: leading zeros in IPv4 are allowed (netutils.ParseIPSloppy). */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const bytes = parseIpv4(text);
    return bytes === undefined ? undefined : { family: 'IPv4', bytes };
  }
  const bytes = parseIpv6(text);
  if (bytes === undefined) return undefined;
  const mapped = bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? { family: 'IPv4', bytes: bytes.slice(12) } : { family: 'IPv6', bytes };
}

export interface Cidr {
  readonly address: IpAddress;
  /** Bits of the network part. */
  readonly prefix: number;
}

export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (address === undefined || !/^\d{1,3}$/.test(bits)) return undefined;
  const prefix = Number(bits);
  return prefix <= address.bytes.length * 8 ? { address, prefix } : undefined;
}

/** True if `address` lies in `cidr` (same family, same network bits). */
export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  if (cidr.address.bytes.length !== address.bytes.length) return false;
  for (let bit = 0; bit < cidr.prefix; bit++) {
    const mask = 128 >> (bit & 7);
    if (((cidr.address.bytes[bit >> 3] as number) & mask) !== ((address.bytes[bit >> 3] as number) & mask))
      return false;
  }
  return true;
}

export function checkIp(errors: FieldErrors, field: string, value: string): boolean {
  if (parseIp(value) !== undefined) return true;
  errors.invalid(field, value, ipMessage);
  return false;
}

export function checkCidr(errors: FieldErrors, field: string, value: string): boolean {
  if (parseCidr(value) !== undefined) return true;
  errors.invalid(field, value, cidrMessage);
  return false;
}

/** Addresses that no endpoint or external IP may have (ValidateNonSpecialIP, core validation). */
export function checkNonSpecialIp(errors: FieldErrors, field: string, value: string): void {
  const address = parseIp(value);
  if (address === undefined) {
    errors.invalid(field, value, 'must be a valid IP address');
    return;
  }
  const [first = 0, second = 0, third = 0] = address.bytes;
  const v4 = address.family === 'IPv4';
  const zeros = address.bytes.slice(0, -1).every((b) => b === 0);
  const last = address.bytes[address.bytes.length - 1] as number;
  if (zeros && last === 0) errors.invalid(field, value, `may not be unspecified (${value})`);
  if (v4 ? first === 127 : zeros && last === 1) {
    errors.invalid(field, value, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (v4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80) {
    errors.invalid(field, value, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (v4 ? first === 224 && second === 0 && third === 0 : first === 0xff && (second & 0x0f) === 2) {
    errors.invalid(field, value, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}
