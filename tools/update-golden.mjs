// Writes tests/golden/fingerprints.json anew and prints what changed, by ingredient. Run: npm run golden (with tsx, as
// the scenarios are TypeScript). Nothing is written when nothing changed.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const MEANING = { t: 'times', k: 'kinds of events', o: 'objects', d: 'decisions', s: 'summary' };

const { GOLDEN } = await import('../tests/golden/cases.ts');
const { simulateBuiltIn } = await import('../experiments/simulate.ts');

const file = new URL('../tests/golden/fingerprints.json', import.meta.url);
const node = Number(process.versions.node.split('.')[0]);

/** What the file holds; nothing if there is none yet. */
function readKept() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { node, fingerprints: {} };
  }
}

const kept = readKept();
const fingerprints = {};
let changes = 0;
if (kept.node !== node) console.log(`kept for Node ${kept.node}, made now with Node ${node}`);
for (const [name, load] of Object.entries(GOLDEN)) {
  const { ingredients } = simulateBuiltIn(await load(), {});
  fingerprints[name] = ingredients;
  const before = kept.fingerprints[name];
  const changed = Object.keys(ingredients).filter((letter) => before?.[letter] !== ingredients[letter]);
  if (before === undefined) console.log(`new      ${name}`);
  else if (changed.length > 0)
    console.log(`changed  ${name}: ${changed.map((letter) => `${letter} (${MEANING[letter]})`).join(', ')}`);
  changes += before === undefined || changed.length > 0 ? 1 : 0;
}
for (const name of Object.keys(kept.fingerprints)) {
  if (name in fingerprints) continue;
  console.log(`gone     ${name}`);
  changes += 1;
}
if (changes > 0 || kept.node !== node)
  writeFileSync(file, `${JSON.stringify({ node, fingerprints }, null, 2)}\n`);
console.log(`${changes} of ${Object.keys(fingerprints).length} cases changed`);
