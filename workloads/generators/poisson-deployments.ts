// `poisson-deployments`: Deployments that arrive as a Poisson process, each with its own size and requests, and may
// leave again: the churn of a cluster on which teams deploy independently of each other.
import { argumentProblem, defineWorkload } from '../arguments.ts';
import * as common from '../common.ts';
import { deploymentArguments, deploymentArrivals } from '../deployment-arrivals.ts';

export const poissonDeployments = defineWorkload({
  name: 'poisson-deployments',
  about: 'Deployments arriving as a Poisson process, with drawn sizes, requests and lifetimes',
  args: {
    name: common.nameArgument('poisson'),
    ratePerMin: common.ratePerMinArgument,
    ratePerSecond: common.ratePerSecondArgument,
    startAt: common.startAtArgument,
    count: common.countArgument,
    ...deploymentArguments,
  },
  build(args) {
    const perUs = common.ratePerUs(args);
    if (typeof perUs !== 'number') return { problems: [perUs] };
    if (perUs === 0) {
      return {
        problems: [argumentProblem(['ratePerMin'], 'give a rate above 0, as ratePerMin or ratePerSecond')],
      };
    }
    return {
      workload: {
        namespaces: args.namespace,
        arrivals: (context) =>
          deploymentArrivals(context, args, common.poissonTimes(context, args.startAt, perUs)),
      },
    };
  },
});
