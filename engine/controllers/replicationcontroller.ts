// The ReplicationController controller (pkg/controller/replication, v1.36): the ReplicaSet's code for the older kind.
import type { ControllerDefinition } from '../contracts/controller.ts';
import { ReplicaManager } from './replica-manager.ts';

export const replicationControllerController: ControllerDefinition = {
  name: 'replication',
  clientName: 'replication-controller',
  about: 'keeps spec.replicas pods of each ReplicationController',
  create: (context) => new ReplicaManager(context, { kind: 'ReplicationController', hasTerminating: false }),
};
