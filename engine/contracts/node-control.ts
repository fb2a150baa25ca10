// What a step or a fault can do to a machine, past the API: implemented by the kubelets.

export interface NodeControl {
  /** The machine stands still: nothing runs, nothing is sent, until `start`. */
  stop(node: number): void;
  /** The network to the control plane is gone; the kubelet and the containers run on. */
  cutOff(node: number): void;
  /** The machine goes down and its containers die with it; `start` finds none of them. */
  crash(node: number): void;
  /**
   * Ends any of these: the kubelet renews its lease, posts Ready and takes up its pods. False: the node is up, or gone.
   * `posted` is called when the API server has answered.
   */
  start(node: number, posted?: () => void): boolean;
}
