/** The layers of diffusion networks on jax-js, over parameters by name. */
import { EPS } from "../row.ts";
import type { JaxArray, JaxModule } from "./jax_api.ts";

/** Layers that look their parameters up, and take a reference of their own of every array. */
export class JaxLayers {
  /** The library. */
  readonly jax: JaxModule;
  readonly #params: ReadonlyMap<string, JaxArray>;

  constructor(jax: JaxModule, params: ReadonlyMap<string, JaxArray>) {
    this.jax = jax;
    this.#params = params;
  }

  has(name: string): boolean {
    return this.#params.has(name);
  }

  param(name: string): JaxArray {
    const param = this.#params.get(name);
    if (!param) throw new RangeError(`There is no parameter "${name}"`);
    return param.ref;
  }

  silu(x: JaxArray): JaxArray {
    return this.jax.nn.silu(x.ref);
  }

  linear(name: string, x: JaxArray): JaxArray {
    const weight = this.param(`${name}.weight`);
    const matrix = weight.reshape(weight.shape.slice(0, 2));
    const y = this.jax.numpy.matmul(x.ref, matrix.transpose());
    return this.has(`${name}.bias`) ? y.add(this.param(`${name}.bias`)) : y;
  }

  conv2d(name: string, x: JaxArray, stride = 1): JaxArray {
    const weight = this.param(`${name}.weight`);
    const padding = (weight.shape[2] - 1) / 2;
    const pads: [number, number][] = [[padding, padding], [padding, padding]];
    const y = this.jax.lax.convGeneralDilated(x.ref, weight, [stride, stride], pads);
    return y.add(this.param(`${name}.bias`).reshape([1, -1, 1, 1]));
  }

  groupNorm(name: string, x: JaxArray, groups: number, eps = EPS): JaxArray {
    const [batch, channels, ...rest] = x.shape;
    const y = this.normalise(x.ref.reshape([batch, groups, -1]), eps).reshape(x.shape);
    const ones = rest.map(() => 1);
    const [weight, bias] = ["weight", "bias"].map((n) => this.param(`${name}.${n}`).reshape([1, channels, ...ones]));
    return y.mul(weight).add(bias);
  }

  layerNorm(name: string, x: JaxArray, eps = EPS): JaxArray {
    return this.normalise(x, eps).mul(this.param(`${name}.weight`)).add(this.param(`${name}.bias`));
  }

  /** Zero mean and unit variance over the last axis. */
  normalise(x: JaxArray, eps: number): JaxArray {
    const { numpy } = this.jax;
    const centred = x.ref.sub(x.ref.mean(-1, { keepdims: true }));
    const variance = numpy.square(centred.ref).mean(-1, { keepdims: true });
    return centred.div(numpy.sqrt(variance.add(eps)));
  }

  attention(name: string, x: JaxArray, heads: number, context = x): JaxArray {
    const [batch, length, width] = x.shape;
    const perHead = (part: string, from: JaxArray) => {
      const y = this.linear(`${name}.${part}`, from);
      return y.reshape([batch, from.shape[1], heads, width / heads]);
    };
    const attended = this.jax.nn.dotProductAttention(
      perHead("to_q", x),
      perHead("to_k", context),
      perHead("to_v", context),
    );
    return this.linear(`${name}.to_out.0`, attended.reshape([batch, length, width]));
  }

  feedForward(name: string, x: JaxArray, gated: boolean): JaxArray {
    const { nn, numpy } = this.jax;
    let hidden = this.linear(`${name}.net.0.proj`, x);
    if (gated) {
      const [value, gate] = numpy.split(hidden, 2, -1);
      hidden = value.mul(nn.gelu(gate, { approximate: false }));
    } else {
      hidden = nn.gelu(hidden, { approximate: true });
    }
    return this.linear(`${name}.net.2`, hidden);
  }

  /** Two linear layers with SiLU between, on the sinusoids of a time `[B]`, cosines first. */
  timeEmbedding(name: string, time: JaxArray, width: number): JaxArray {
    const { numpy } = this.jax;
    const half = width / 2;
    const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp(-Math.log(10000) * i / half));
    const angles = time.ref.reshape([-1, 1]).mul(numpy.array(frequencies, { shape: [1, half] }));
    const sinusoids = numpy.concatenate([numpy.cos(angles.ref), numpy.sin(angles)], 1);
    return this.linear(`${name}.linear_2`, this.silu(this.linear(`${name}.linear_1`, sinusoids)));
  }
}
