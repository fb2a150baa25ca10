// Completes package-lock.json after `npm install` on a machine whose registry lacks the binaries of other platforms.
// npm then leaves those optional packages out of the lock file, and `npm ci` refuses such a file everywhere. Each
// missing one is added with its version and the platform that its name tells, so that npm skips it elsewhere. Entries
// that npm wrote are never touched. Run: node tools/complete-lock.mjs [FOLDER]; tests/tidy fails while it is needed.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const CPUS = ['arm64', 'x64', 'ia32', 'ppc64', 's390x', 'riscv64', 'arm', 'loong64', 'wasm32'];
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];

/** `@swc/core-linux-arm64-musl` -> os, cpu and libc; null where the name does not tell a platform. */
function platformOf(name) {
  const parts = name.split('/').at(-1).split(/[-.]/);
  const os = parts.find((part) => SYSTEMS.includes(part));
  const cpu = parts.find((part) => CPUS.includes(part));
  if (os === undefined || cpu === undefined) return null;
  const libc = os !== 'linux' ? [] : parts.some((part) => /^musl/.test(part)) ? ['musl'] : ['glibc'];
  return { cpu: [cpu], ...(libc.length > 0 ? { libc } : {}), os: [os] };
}

/** Optional packages that some package of the lock file names and that the lock file does not hold. */
function missingOptionals(lock) {
  const missing = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const held = `node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages;
      if (!held) missing.push({ name, version, dev: entry.dev === true });
    }
  }
  return missing;
}

function complete(file) {
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingOptionals(lock);
  for (const { name, version, dev } of missing) {
    const platform = platformOf(name);
    if (platform === null || !/^\d/.test(version)) {
      throw new Error(`${name}@${version}: neither platform nor exact version to be told from its name`);
    }
    const { cpu, ...rest } = platform;
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu,
      ...(dev ? { dev } : {}),
      optional: true,
      ...rest,
    };
  }
  // npm sorts by path; the root package comes first because its path is empty.
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (missing.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${missing.length} optional packages of other platforms added`);
}

complete(join(process.argv[2] ?? '.', 'package-lock.json'));
