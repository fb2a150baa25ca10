// Files that cannot be read: each with the whole text that the user sees. Exit code 2, nothing written.
import { describe, expect, test } from 'vitest';
import { type BadInput, runCommand } from './harness.ts';

const CASES: readonly BadInput[] = [
  {
    name: 'missing file',
    args: ['run', 'nowhere.yaml'],
    expected: `E1101 nowhere.yaml
  no such file or folder`,
  },
  {
    name: 'two missing files',
    args: ['run', 'nowhere.yaml', 'gone.yaml'],
    expected: `E1101 nowhere.yaml
  no such file or folder
E1101 gone.yaml
  no such file or folder
2 problems`,
  },
  {
    name: 'pattern without match',
    args: ['run', 'x*.yaml'],
    expected: `E1101 x*.yaml
  no file matches this pattern`,
  },
  {
    name: 'empty file',
    files: { 'a.yaml': '' },
    args: ['run', 'a.yaml'],
    expected: `E1105 a.yaml
  the file holds no Kubernetes object`,
  },
  {
    name: 'only comments',
    files: {
      'a.yaml': `# nothing
---
# here
`,
    },
    args: ['run', 'a.yaml'],
    expected: `E1105 a.yaml
  the file holds no Kubernetes object`,
  },
  {
    name: 'empty folder',
    files: { 'd/readme.txt': 'x' },
    args: ['run', 'd'],
    expected: `E1105 d
  the folder holds no .yaml, .yml or .json file`,
  },
  {
    name: 'cut-off gzip',
    files: {
      'a.yaml.gz': {
        gzip: 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c, image: i}]\n',
        cutAt: 40,
      },
    },
    args: ['run', 'a.yaml.gz'],
    expected: `E1103 a.yaml.gz
  gzip stream ends at byte 40 before its end mark (0 bytes could be unpacked)
  the file was cut off: copy or download it again`,
  },
  {
    name: 'damaged gzip',
    files: {
      'a.yaml.gz': {
        gzip: 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c, image: i}]\n',
        flipAt: 20,
      },
    },
    args: ['run', 'a.yaml.gz'],
    expected: `E1103 a.yaml.gz
  gzip stream is damaged: invalid bit length repeat
  copy or download it again`,
  },
  {
    name: 'binary file',
    files: { 'a.yaml': { bytes: [97, 58, 32, 0, 1, 2] } },
    args: ['run', 'a.yaml'],
    expected: `E1104 a.yaml
  not a text file: byte 3 is zero`,
  },
  {
    name: 'not UTF-8',
    files: { 'a.yaml': { bytes: [97, 58, 32, 255, 254] } },
    args: ['run', 'a.yaml'],
    expected: `E1104 a.yaml
  not a text file: the bytes are not valid UTF-8`,
  },
  {
    name: 'unreadable folder',
    files: { 'd/': { text: '', unreadable: true } },
    args: ['run', 'd'],
    expected: `E1102 d
  permission denied`,
  },
  {
    name: 'unreadable file',
    files: {
      'a.yaml': {
        text: 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c, image: i}]\n',
        unreadable: true,
      },
    },
    args: ['run', 'a.yaml'],
    expected: `E1102 a.yaml
  permission denied`,
  },
  {
    name: 'link to itself',
    files: { 'a.yaml': { link: 'a.yaml' } },
    args: ['run', 'a.yaml'],
    expected: `E1102 a.yaml
  too many symbolic links`,
  },
];

describe('bad files', () => {
  test.each(CASES)('$name', async ({ args, files, expected }) => {
    const outcome = await runCommand(args, files);
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: `${expected}\n`, written: [] });
  });
});
