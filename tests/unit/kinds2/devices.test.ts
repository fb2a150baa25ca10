// Claims, classes and slices of resource.k8s.io/v1: what the server refuses, in its words.
import { describe, expect, it } from 'vitest';
import { kinds } from '../../../engine/kinds/dra.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { outcomeOf } from './table.ts';

const problemsOf = (kind: string, spec: Json): string[] => outcomeOf(kinds, kind, { spec }).problems;
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const IDENTIFIER =
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
const NAMES =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

describe('a claim', () => {
  const one = (more: Json = {}): Json => ({ name: 'r', exactly: { deviceClassName: 'gpu', ...more } });
  const claim = (...requests: Json[]) => problemsOf('ResourceClaim', { devices: { requests } });
  const at = 'spec.devices.requests[0]';
  it.each<[string, Json, string[]]>([
    ['one device', one(), []],
    ['all', one({ allocationMode: 'All' }), []],
    [
      'all, and a number',
      one({ allocationMode: 'All', count: 2 }),
      [`${at}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`],
    ],
    [
      'a negative number',
      one({ count: -1 }),
      [`${at}.exactly.count: Invalid value: -1: must be greater than zero`],
    ],
    [
      'another mode',
      one({ allocationMode: 'Some' }),
      [`${at}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`],
    ],
    ['no class', { name: 'r', exactly: {} }, [`${at}.exactly.deviceClassName: Required value`]],
    ['no name', { exactly: { deviceClassName: 'gpu' } }, [`${at}.name: Invalid value: "": ${LABEL}`]],
    [
      'no kind',
      { name: 'r' },
      [`${at}: Required value: exactly one of \`exactly\` or \`firstAvailable\` is required`],
    ],
    ['an empty selector', one({ selectors: [{}] }), [`${at}.exactly.selectors[0].cel: Required value`]],
    [
      'an operator that tolerations lack',
      one({ tolerations: [{ key: 'a', operator: 'In' }] }),
      [`${at}.exactly.tolerations[0].operator: Unsupported value: "In": supported values: "Equal", "Exists"`],
    ],
    [
      'a value that is never compared',
      one({ tolerations: [{ operator: 'Exists', value: 'x' }] }),
      [`${at}.exactly.tolerations[0].value: Invalid value: "x": must be empty for operator \`Exists\``],
    ],
    [
      'an effect of nodes',
      one({ tolerations: [{ operator: 'Exists', effect: 'PreferNoSchedule' }] }),
      [
        `${at}.exactly.tolerations[0].effect: Unsupported value: "PreferNoSchedule": supported values: "NoExecute", "NoSchedule", "None"`,
      ],
    ],
    [
      'two alternatives of one name',
      {
        name: 'r',
        firstAvailable: [
          { name: 's', deviceClassName: 'a' },
          { name: 's', deviceClassName: 'b' },
        ],
      },
      [`${at}.firstAvailable[1]: Duplicate value: "s"`],
    ],
    [
      'nine alternatives',
      {
        name: 'r',
        firstAvailable: Array.from({ length: 9 }, (_, i) => ({ name: `s${i}`, deviceClassName: 'a' })),
      },
      [`${at}.firstAvailable: Too many: 9: must have at most 8 items`],
    ],
  ])('%s', (_name, request, expected) => {
    expect(claim(request)).toEqual(expected);
  });

  it.each<[string, Json, string[]]>([
    ['of a request', { requests: ['r'], matchAttribute: 'a.example.com/x' }, []],
    ['of an alternative', { requests: ['many/few'], distinctAttribute: 'a.example.com/x' }, []],
    [
      'of no request',
      { requests: ['s'], matchAttribute: 'a.example.com/x' },
      [`requests[0]: Invalid value: "s": ${NAMES}`],
    ],
    [
      'of no alternative',
      { requests: ['many/none'], matchAttribute: 'a.example.com/x' },
      [`requests[0]: Invalid value: "many/none": ${NAMES}`],
    ],
    [
      'without domain',
      { matchAttribute: 'x' },
      [
        'matchAttribute: Invalid value: "x": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
    [
      'with a strange name',
      { matchAttribute: 'a.example.com/x-y' },
      [`matchAttribute: Invalid value: "x-y": ${IDENTIFIER}`],
    ],
  ])('a constraint %s', (_name, constraint, expected) => {
    const requests = [one(), { name: 'many', firstAvailable: [{ name: 'few', deviceClassName: 'gpu' }] }];
    const found = problemsOf('ResourceClaim', { devices: { requests, constraints: [constraint] } });
    expect(found).toEqual(expected.map((each) => `spec.devices.constraints[0].${each}`));
  });

  it('a constraint of nothing, and configuration for nobody', () => {
    expect(
      problemsOf('ResourceClaim', {
        devices: { constraints: [{}], config: [{}, { opaque: { driver: 'd' } }] },
      }),
    ).toEqual([
      'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      'spec.devices.config[0].opaque: Required value',
      'spec.devices.config[1].opaque.parameters: Required value',
    ]);
  });

  it('of a template is checked as well, and so is its metadata', () => {
    const spec = { metadata: { name: 'x' }, spec: { devices: { requests: [{ name: 'r', exactly: {} }] } } };
    expect(problemsOf('ResourceClaimTemplate', spec)).toEqual([
      'spec.metadata.name: Forbidden: cannot be set',
      'spec.spec.devices.requests[0].exactly.deviceClassName: Required value',
    ]);
  });
});

describe('a slice', () => {
  const base = {
    driver: 'gpu.example.com',
    nodeName: 'n',
    pool: { name: 'n', generation: 1, resourceSliceCount: 1 },
  };
  const slice = (more: Json): string[] => problemsOf('ResourceSlice', { ...base, ...more });
  const places =
    'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  it.each<[string, Json, string[]]>([
    ['of a node', {}, []],
    ['of nowhere', { nodeName: undefined }, [`spec: Required value: ${places}`]],
    [
      'of two places',
      { allNodes: true },
      [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${places}, but multiple fields are set`],
    ],
    [
      'of not all nodes',
      { allNodes: false },
      ['spec.allNodes: Invalid value: false: must be either unset or set to true'],
    ],
    [
      'of two terms',
      { nodeName: undefined, nodeSelector: { nodeSelectorTerms: [] } },
      [
        'spec.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term',
        'spec.nodeSelector.nodeSelectorTerms: Invalid value: []: must have exactly one node selector term',
      ],
    ],
    [
      'of no slices',
      { pool: { name: 'a/b', generation: -1, resourceSliceCount: 0 } },
      [
        'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
        'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
      ],
    ],
    [
      'with counters and devices',
      { devices: [{ name: 'd' }], sharedCounters: [{ name: 'card', counters: { a: { value: '1' } } }] },
      ['spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed'],
    ],
    [
      'with sets of nothing',
      { sharedCounters: [{ name: 'card' }] },
      ['spec.sharedCounters[0].counters: Required value'],
    ],
    [
      'with two devices of a name',
      { devices: [{ name: 'd' }, { name: 'd' }] },
      ['spec.devices[1]: Duplicate value: "d"'],
    ],
  ])('%s', (_name, more, expected) => {
    expect(slice(more)).toEqual(expected);
  });

  const at = 'spec.devices[0]';
  it.each<[string, Json, string[]]>([
    ['attributes', { attributes: { model: { string: 'x' }, 'a.example.com/v': { version: '1.2.3' } } }, []],
    [
      'an attribute of no value',
      { attributes: { a: {} } },
      [`${at}.attributes[a]: Invalid value: "": exactly one value must be specified`],
    ],
    [
      'an attribute of two values',
      { attributes: { a: { bool: true, int: 1 } } },
      [`${at}.attributes[a]: Invalid value: {"bool":true,"int":1}: exactly one value must be specified`],
    ],
    [
      'a strange version',
      { attributes: { a: { version: '1.2' } } },
      [
        `${at}.attributes[a].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0`,
      ],
    ],
    [
      'a strange attribute',
      { attributes: { 'a-b': { int: 1 } } },
      [`${at}.attributes[a-b]: Invalid value: "a-b": ${IDENTIFIER}`],
    ],
    [
      'a long text',
      { attributes: { a: { string: 'x'.repeat(65) } } },
      [`${at}.attributes[a].string: Too long: may not be more than 64 bytes`],
    ],
    [
      'many values',
      { attributes: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, { int: i }])) },
      [`${at}: Invalid value: 33: the total number of attributes and capacities must not exceed 32`],
    ],
    ['a taint without effect', { taints: [{ key: 'k' }] }, [`${at}.taints[0].effect: Required value`]],
    [
      'a policy of a device that is not shared',
      { capacity: { m: { value: '1', requestPolicy: {} } } },
      [`${at}.capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true`],
    ],
    [
      'a range without default',
      {
        allowMultipleAllocations: true,
        capacity: { m: { value: '1', requestPolicy: { validRange: { min: '1' } } } },
      },
      [`${at}.capacity[m].requestPolicy.default: Required value: required when validRange is defined`],
    ],
    // 4 is not 1 and a multiple of 2; a step from 1 is 3.
    [
      'a range whose steps pass the default by',
      {
        allowMultipleAllocations: true,
        capacity: { m: { value: '9', requestPolicy: { default: '4', validRange: { min: '1', step: '2' } } } },
      },
      [
        `${at}.capacity[m].requestPolicy.validRange.step: Invalid value: "4": value is not a multiple of a given step (2) from (1)`,
      ],
    ],
    [
      'options that are not sorted',
      {
        allowMultipleAllocations: true,
        capacity: { m: { value: '9', requestPolicy: { default: '4', validValues: ['4', '2'] } } },
      },
      [
        `${at}.capacity[m].requestPolicy.validValues[1]: Invalid value: "2": values must be sorted in ascending order`,
      ],
    ],
    [
      'an option that is too large, and a default that is none',
      {
        allowMultipleAllocations: true,
        capacity: { m: { value: '3', requestPolicy: { default: '1', validValues: ['4'] } } },
      },
      [
        `${at}.capacity[m].requestPolicy.validValues[0]: Invalid value: "4": option is larger than capacity value: 3`,
        `${at}.capacity[m].requestPolicy.validValues: Invalid value: "1": default value is not valid according to the requestPolicy`,
      ],
    ],
    [
      'a node of its own',
      { nodeName: 'm' },
      [
        `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
      ],
    ],
    [
      'conditions that cannot fail',
      { bindingConditions: ['a'] },
      [
        `${at}.bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions`,
      ],
    ],
  ])('a device with %s', (_name, device, expected) => {
    expect(slice({ devices: [{ name: 'd', ...device }] })).toEqual(expected);
  });
});
