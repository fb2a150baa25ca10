// `deployments`: a fixed number of Deployments created at one time, as `kubectl apply` of a folder would: the load of
// scale tests and of cold starts.
import { defineWorkload } from '../arguments.ts';
import * as common from '../common.ts';
import { deploymentArguments, deploymentArrivals } from '../deployment-arrivals.ts';

export const deployments = defineWorkload({
  name: 'deployments',
  about: 'a number of Deployments created at one time',
  args: {
    name: common.nameArgument('app'),
    startAt: common.startAtArgument,
    count: { schema: common.wholeCount(), type: 'whole number', defaultTo: 1, help: 'number of Deployments' },
    ...deploymentArguments,
  },
  build: (args) => ({
    workload: {
      namespaces: args.namespace,
      arrivals: (context) => deploymentArrivals(context, args, common.allAt(args.startAt)),
    },
  }),
});
