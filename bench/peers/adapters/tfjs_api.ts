/** What the benchmark uses of TensorFlow.js, typed here, so that this folder type-checks where it is not installed. */

/** A tensor. */
export interface TfTensor {
  readonly shape: number[];
  add(other: TfTensor | number): TfTensor;
  sub(other: TfTensor | number): TfTensor;
  mul(other: TfTensor | number): TfTensor;
  div(other: TfTensor | number): TfTensor;
  square(): TfTensor;
  sqrt(): TfTensor;
  rsqrt(): TfTensor;
  tanh(): TfTensor;
  reshape(shape: number[]): TfTensor;
  data(): Promise<Float32Array>;
  dispose(): void;
}

/** The backend, as far as it is needed to submit what it holds back, and to wait for it; without a device, neither is. */
export interface TfBackend {
  readonly device?: GPUDevice;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** The module. */
export interface TfModule {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  backend(): TfBackend;
  env(): { set(flag: string, value: boolean): void };
  engine(): { runKernel(name: string, inputs: Record<string, TfTensor>, attributes: object): TfTensor };
  tensor(values: Float32Array, shape: number[]): TfTensor;
  zeros(shape: number[]): TfTensor;
  keep(x: TfTensor): TfTensor;
  tidy<T extends TfTensor[]>(fn: () => T): T;
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  conv2d(x: TfTensor, weight: TfTensor, stride: number, padding: "same"): TfTensor;
  moments(x: TfTensor, axes: number[], keepDims: boolean): { mean: TfTensor; variance: TfTensor };
  sigmoid(x: TfTensor): TfTensor;
  softmax(x: TfTensor): TfTensor;
  grads(fn: (...args: TfTensor[]) => TfTensor): (args: TfTensor[], dy: TfTensor) => TfTensor[];
}
