/**
 * What the benchmark uses of jax-js, typed here, so that this folder type-checks where the peers are not installed.
 *
 * In jax-js every use of an array takes it away; here every function takes a reference of its own, which inside of
 * `jit`, where the benchmark calls all of them, costs nothing.
 */

/** An array of jax-js, traced or real. */
export interface JaxArray {
  readonly shape: number[];
  readonly ref: JaxArray;
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray | number): JaxArray;
  mean(axis?: number | number[], options?: { keepdims: boolean }): JaxArray;
  reshape(shape: number[]): JaxArray;
  transpose(axes?: number[]): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}

/** Nested arrays. */
export type JaxTree = JaxArray | JaxTree[] | { [name: string]: JaxTree };

type Unary = (x: JaxArray) => JaxArray;

/** The module. */
export interface JaxModule {
  init(device: string): Promise<string[]>;
  defaultDevice(device: string): void;
  getWebGPUDevice(): GPUDevice;
  blockUntilReady(tree: JaxTree): Promise<unknown>;
  jit(fn: (...args: never[]) => JaxTree): (...args: JaxTree[]) => JaxTree;
  vjp(
    fn: (...args: JaxArray[]) => JaxArray,
    primals: JaxArray[],
  ): [JaxArray, (cotangent: JaxArray) => JaxArray[]];
  valueAndGrad(
    fn: (params: JaxArray[], ...rest: JaxArray[]) => JaxArray,
  ): (params: JaxArray[], ...rest: JaxArray[]) => [JaxArray, JaxArray[]];
  readonly lax: {
    convGeneralDilated(x: JaxArray, weight: JaxArray, strides: number[], padding: [number, number][]): JaxArray;
  };
  readonly nn: {
    silu: Unary;
    gelu(x: JaxArray, options: { approximate: boolean }): JaxArray;
    dotProductAttention(q: JaxArray, k: JaxArray, v: JaxArray): JaxArray;
  };
  readonly numpy: {
    array(values: Float32Array, options: { shape: number[] }): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    concatenate(arrays: JaxArray[], axis: number): JaxArray;
    split(x: JaxArray, sections: number, axis: number): JaxArray[];
    broadcastTo(x: JaxArray, shape: number[]): JaxArray;
    power(a: number, b: JaxArray): JaxArray;
    exp: Unary;
    sqrt: Unary;
    tanh: Unary;
    sin: Unary;
    cos: Unary;
    square: Unary;
  };
}
