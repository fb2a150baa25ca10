// KubeSchedulerConfiguration to profiles: defaults, changes, weights, problems.
import { describe, expect, it } from 'vitest';
import type { ExtensionPoint, SchedulerProfile } from '../../../engine/contracts/scheduler.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { loadProfiles } from '../../../engine/scheduler/profiles.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';
import { settingsOf } from './support.ts';

const config = (profile: Json, over: Json = {}): Json => ({
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  profiles: [profile],
  ...over,
});
const names = (profile: SchedulerProfile, point: ExtensionPoint): string[] =>
  profile.points[point].map((i) => profile.plugins[i]!.definition.name);
const scorers = (profile: SchedulerProfile): string[] =>
  names(profile, 'score').map((name, i) => `${name} ${profile.weights[i]}`);
const profileOf = (profile: Json): SchedulerProfile => settingsOf(config(profile)).profiles[0]!;
function problems(raw: Json): string[] {
  const loaded = loadProfiles(raw, schedulerRegistry);
  return 'problems' in loaded
    ? loaded.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    : [];
}

/** What looks at volumes, other pods and devices, in the default order. */
const VOLUMES_AND_PODS = [
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
  'PodTopologySpread',
  'InterPodAffinity',
  'DynamicResources',
];

describe('the default profile', () => {
  const profile = settingsOf().profiles[0]!;

  it('has the modelled default plug-ins in their order', () => {
    expect(profile.schedulerName).toBe('default-scheduler');
    expect(names(profile, 'preEnqueue')).toEqual(['SchedulingGates', 'DynamicResources']);
    expect(names(profile, 'queueSort')).toEqual(['PrioritySort']);
    expect(names(profile, 'preFilter')).toEqual([
      'NodeAffinity',
      'NodePorts',
      'NodeResourcesFit',
      ...VOLUMES_AND_PODS,
      'NodeDeclaredFeatures',
    ]);
    expect(names(profile, 'filter')).toEqual([
      'NodeUnschedulable',
      'NodeName',
      'TaintToleration',
      'NodeAffinity',
      'NodePorts',
      'NodeResourcesFit',
      ...VOLUMES_AND_PODS,
      'NodeDeclaredFeatures',
    ]);
    expect(names(profile, 'postFilter')).toEqual(['DynamicResources', 'DefaultPreemption']);
    expect(names(profile, 'reserve')).toEqual(['VolumeBinding', 'DynamicResources']);
    expect(scorers(profile)).toEqual([
      'TaintToleration 3',
      'NodeAffinity 2',
      'NodeResourcesFit 1',
      'VolumeBinding 1',
      'PodTopologySpread 2',
      'InterPodAffinity 2',
      'DynamicResources 2',
      'NodeResourcesBalancedAllocation 1',
      'ImageLocality 1',
    ]);
    expect(names(profile, 'bind')).toEqual(['DefaultBinder']);
  });

  it('has no default plug-in that leaves something out', () => {
    expect(profile.unmodelled).toEqual([]);
  });
});

describe('changes of a profile', () => {
  it('MultiPoint re-enabled with a weight keeps its place', () => {
    expect(
      scorers(profileOf({ plugins: { multiPoint: { enabled: [{ name: 'NodeAffinity', weight: 12 }] } } })),
    ).toEqual([
      'TaintToleration 3',
      'NodeAffinity 12',
      'NodeResourcesFit 1',
      'VolumeBinding 1',
      'PodTopologySpread 2',
      'InterPodAffinity 2',
      'DynamicResources 2',
      'NodeResourcesBalancedAllocation 1',
      'ImageLocality 1',
    ]);
  });

  it('MultiPoint disabled goes from every point', () => {
    const profile = profileOf({ plugins: { multiPoint: { disabled: [{ name: 'TaintToleration' }] } } });
    expect(names(profile, 'filter')).not.toContain('TaintToleration');
    expect(names(profile, 'score')).not.toContain('TaintToleration');
  });

  it('disabled at one point stays at the others', () => {
    const profile = profileOf({ plugins: { score: { disabled: [{ name: 'TaintToleration' }] } } });
    expect(names(profile, 'filter')).toContain('TaintToleration');
    expect(names(profile, 'score')).not.toContain('TaintToleration');
  });

  it('a star at a point leaves only what the point names', () => {
    const plugins = { score: { disabled: [{ name: '*' }], enabled: [{ name: 'ImageLocality', weight: 7 }] } };
    expect(scorers(profileOf({ plugins }))).toEqual(['ImageLocality 7']);
  });

  it('named at a point and by MultiPoint: first there, with the weight of the point', () => {
    const plugins = { score: { enabled: [{ name: 'NodeResourcesFit', weight: 9 }] } };
    expect(scorers(profileOf({ plugins }))[0]).toBe('NodeResourcesFit 9');
  });

  it('percentageOfNodesToScore of the profile goes before that of the file', () => {
    const settings = settingsOf(config({ percentageOfNodesToScore: 7 }, { percentageOfNodesToScore: 30 }));
    expect(settings.profiles[0]!.percentageOfNodesToScore).toBe(7);
    expect(
      settingsOf(config({}, { percentageOfNodesToScore: 30 })).profiles[0]!.percentageOfNodesToScore,
    ).toBe(30);
  });

  it('back-off and parallelism come through in µs and workers', () => {
    const settings = settingsOf(
      config({}, { podInitialBackoffSeconds: 2, podMaxBackoffSeconds: 20, parallelism: 4 }),
    );
    expect(settings).toMatchObject({
      podInitialBackoffUs: 2_000_000,
      podMaxBackoffUs: 20_000_000,
      parallelism: 4,
    });
  });
});

describe('problems', () => {
  it.each([
    [
      'a misspelt plug-in',
      config({ pluginConfig: [{ name: 'NodeResourceFit', args: {} }] }),
      [
        'profiles.0.pluginConfig.0.name: no scheduler plug-in named "NodeResourceFit": did you mean "NodeResourcesFit"?',
      ],
    ],
    [
      'a plug-in at a point where it has nothing to do',
      config({ plugins: { score: { enabled: [{ name: 'NodePorts' }] } } }),
      ['profiles.0.plugins.score.enabled.0.name: plug-in "NodePorts" has nothing to do at score'],
    ],
    [
      'an unknown field',
      config({ plugins: { scores: { enabled: [] } } }),
      ['profiles.0.plugins.scores: unknown field: did you mean "score"?'],
    ],
    [
      'two profiles of one name',
      config({}, { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] }),
      ['profiles.1.schedulerName: "a" names two profiles'],
    ],
    [
      'nobody to bind',
      config({ plugins: { bind: { disabled: [{ name: '*' }] } } }),
      ['profiles.0.plugins.bind: nobody would bind the pods'],
    ],
    [
      'another version',
      { apiVersion: 'kubescheduler.config.k8s.io/v1beta3', kind: 'KubeSchedulerConfiguration' },
      [
        'apiVersion: "kubescheduler.config.k8s.io/v1beta3" is not supported: expected "kubescheduler.config.k8s.io/v1"',
      ],
    ],
    [
      'a percentage above 100',
      config({}, { percentageOfNodesToScore: 101 }),
      ['percentageOfNodesToScore: 101 is no integer from 0 to 100'],
    ],
    [
      'a back-off that shrinks',
      config({}, { podInitialBackoffSeconds: 5, podMaxBackoffSeconds: 2 }),
      ['podMaxBackoffSeconds: must be greater than or equal to podInitialBackoffSeconds'],
    ],
    ['not a list', config({ pluginConfig: 3 }), ['profiles.0.pluginConfig: expected a list']],
  ])('%s', (_what, raw, expected) => {
    expect(problems(raw)).toEqual(expected);
  });

  it('arguments are checked by the plug-in, all at once', () => {
    const args = { scoringStrategy: { type: 'Most', resources: [{ name: 'cpu', weight: 0 }] }, ignored: [] };
    const found = problems(config({ pluginConfig: [{ name: 'NodeResourcesFit', args }] }));
    expect(found).toHaveLength(3);
    expect(found[0]).toContain('profiles.0.pluginConfig.0.args.scoringStrategy.type');
    expect(found[1]).toContain('profiles.0.pluginConfig.0.args.scoringStrategy.resources.0.weight');
    expect(found[2]).toContain('"ignored"');
  });

  it('a name registered twice is the program’s mistake', () => {
    const { plugins } = schedulerRegistry;
    expect(() =>
      loadProfiles(undefined, { ...schedulerRegistry, plugins: [...plugins, plugins[0]!] }),
    ).toThrow('twice');
  });
});
