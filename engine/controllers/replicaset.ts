// The ReplicaSet controller (pkg/controller/replicaset, v1.36); the work is in replica-manager.ts.
import type { ControllerDefinition } from '../contracts/controller.ts';
import { ReplicaManager } from './replica-manager.ts';

export const replicaSetController: ControllerDefinition = {
  name: 'replicaset',
  clientName: 'replicaset-controller',
  about: 'keeps spec.replicas pods of each ReplicaSet',
  create: (context) => new ReplicaManager(context, { kind: 'ReplicaSet', hasTerminating: true }),
};
