// Writes docs/commands.md and docs/errors.md from the command table and the catalogue of problem codes. A test holds
// that they are up to date.
import { writeFileSync } from 'node:fs';
import { commandsMarkdown, errorsMarkdown } from '../cli/docs.ts';

writeFileSync(new URL('../docs/commands.md', import.meta.url), commandsMarkdown());
writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsMarkdown());
