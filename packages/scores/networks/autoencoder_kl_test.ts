import { assertEquals, assertThrows } from "@std/assert";
import { parameterCount } from "@dipp/nn";
import { fold, grad, init, key, randn, type Tensor, treeLeaves, treeMap } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { AutoencoderKL, type AutoencoderKLParams, LatentDecoder } from "../mod.ts";

await init();

const levels = (n: number) => ({
  down_block_types: Array(n).fill("DownEncoderBlock2D"),
  up_block_types: Array(n).fill("UpDecoderBlock2D"),
});
const TINY = { ...levels(2), block_out_channels: [4, 8], norm_num_groups: 2 };

/** Random parameters everywhere, so that every branch shows. */
function randomParams(vae: AutoencoderKL): AutoencoderKLParams {
  let count = 0;
  return treeMap<Tensor, Tensor>(
    vae.init(key(0)),
    (leaf) => randn(fold(key(1), count++), leaf.shape).mul(0.3),
  ) as AutoencoderKLParams;
}

Deno.test("the SD 1.5 configuration gives 248 tensors and 83,653,863 parameters", () => {
  const params = new AutoencoderKL({
    _class_name: "AutoencoderKL",
    ...levels(4),
    block_out_channels: [128, 256, 512, 512],
    layers_per_block: 2,
    sample_size: 512,
  }).init(key(0));
  assertEquals([treeLeaves<Tensor>(params).length, parameterCount(params)], [248, 83_653_863]);
});

Deno.test("checkpointed blocks give the same pixels and the same gradients", async () => {
  const vae = new AutoencoderKL(TINY);
  const params = randomParams(vae);
  const latents = randn(key(2), [1, 4, 3, 4]);
  const run = (checkpoint: boolean) => {
    const encoded = vae.encode(params, vae.decode(params, latents, { checkpoint }), { checkpoint }).mean;
    const wrt = [latents, params.decoder.up_blocks[0].resnets[0].conv1.weight, params.quant_conv!.bias!];
    return [encoded, ...grad(encoded.square().sum(), wrt)].map((t) => t.data());
  };
  const [kept, again] = await Promise.all([Promise.all(run(false)), Promise.all(run(true))]);
  kept.forEach((expected, i) => assertClose(again[i], expected, 1e-5, `output ${i}`));
});

Deno.test("tiles are decoded alone and fade linearly into the next", async () => {
  const vae = new AutoencoderKL(TINY);
  const params = randomParams(vae);
  const latents = randn(key(3), [1, 4, 7, 5]);
  const pixels = vae.decode(params, latents, { tile: 4, overlap: 0.25, checkpoint: true });
  assertEquals(pixels.shape, [1, 3, 14, 10]);
  // Tiles begin every 3 latents, 6 pixels, and fade over 2 pixels
  const starts = (n: number) => Array.from({ length: Math.ceil(n / 3) }, (_, i) => 3 * i);
  const expected = new Float64Array(3 * 14 * 10);
  const tiles = new Map<string, Promise<ArrayLike<number>>>();
  const end = (start: number, n: number) => Math.min(start + 4, n);
  for (const y of starts(7)) {
    for (const x of starts(5)) {
      tiles.set(`${y},${x}`, vae.decode(params, latents.slice([null, null, [y, end(y, 7)], [x, end(x, 5)]])).data());
    }
  }
  /** The tiles that show at a pixel along a side, with their shares. */
  const shares = (pixel: number): [start: number, share: number][] => {
    const i = Math.floor(pixel / 6);
    const within = pixel - 6 * i;
    if (i === 0 || within >= 2) return [[3 * i, 1]];
    return [[3 * i - 3, 1 - within / 2], [3 * i, within / 2]];
  };
  for (let c = 0; c < 3; c++) {
    for (let row = 0; row < 14; row++) {
      for (let column = 0; column < 10; column++) {
        const [rows, columns] = [shares(row), shares(column)];
        let sum = 0;
        for (const [y, a] of rows) {
          for (const [x, b] of columns) {
            const [h, w] = [2 * (end(y, 7) - y), 2 * (end(x, 5) - x)];
            // Where four meet: down first, out of the upper two already faded across; then across
            const across = columns[1]?.[1];
            const upper = rows.length === 2 && y === rows[0][0] && across !== undefined;
            const share = upper ? a * (x === columns[0][0] ? 1 - across ** 2 : across ** 2) : a * b;
            sum += share * (await tiles.get(`${y},${x}`)!)[(c * h + row - 2 * y) * w + column - 2 * x];
          }
        }
        expected[(c * 14 + row) * 10 + column] = sum;
      }
    }
  }
  assertClose(await pixels.data(), expected, 1e-5, "the pixels");
});

Deno.test("latents that fit one tile are decoded at once", async () => {
  const vae = new AutoencoderKL(TINY);
  const params = randomParams(vae);
  const latents = randn(key(3), [1, 4, 2, 3]);
  const [whole, tiled] = await Promise.all([
    vae.decode(params, latents).data(),
    vae.decode(params, latents, { tile: 3 }).data(),
  ]);
  assertEquals(tiled, whole);
});

Deno.test("a diffusion model's latents are scaled by the configuration's statistics", async () => {
  const statistics = { scaling_factor: 0.5, latents_mean: [1, 2, 3, 4], latents_std: [1, 2, 4, 8] };
  const vae = new AutoencoderKL({ ...TINY, ...statistics });
  const latents = randn(key(4), [1, 4, 1, 1]);
  const values = [...await latents.data()];
  const expected = values.map((v, c) => (v - c - 1) * 0.5 / 2 ** c);
  assertClose(await vae.scale(latents).data(), expected, 1e-6, "scaled");
  assertClose(await vae.unscale(vae.scale(latents)).data(), values, 1e-6, "and back");
  const shifted = new AutoencoderKL({ ...TINY, scaling_factor: 0.5, shift_factor: 3 });
  assertClose(await shifted.scale(latents).data(), values.map((v) => (v - 3) * 0.5), 1e-6, "shifted");
  const params = randomParams(vae);
  assertClose(
    await new LatentDecoder(vae, params).decode(vae.scale(latents)).data(),
    [...await vae.decode(params, latents).data()].map((v) => v / 2 + 0.5),
    1e-5,
    "the images",
  );
});

Deno.test("wrong configurations are refused with path, value and expectation", () => {
  const vae = (config: object) => () => new AutoencoderKL({ ...TINY, ...config });
  assertThrows(vae({ act_fn: "relu" }), TypeError, 'act_fn is "relu"');
  assertThrows(
    vae({ down_block_types: ["DownEncoderBlock2D", "AttnDownEncoderBlock2D"] }),
    TypeError,
    'down_block_types.1 is "AttnDownEncoderBlock2D"',
  );
  assertThrows(vae({ up_block_types: ["UpDecoderBlock2D"] }), TypeError, "expected 2 entries, one a level");
  assertThrows(vae({ norm_num_groups: 3 }), TypeError, "multiples of norm_num_groups = 3");
  assertThrows(vae({ latents_mean: [1] }), TypeError, "latents_mean is [1]: expected 4 numbers");
  assertThrows(vae({ latent_channels: "4" }), TypeError, 'latent_channels is "4"');
  assertThrows(vae({ width: 3 }), TypeError, "width");
  assertThrows(vae({ _class_name: "AutoencoderTiny" }), TypeError, '_class_name is "AutoencoderTiny"');
});

Deno.test("wrong inputs are refused", () => {
  const vae = new AutoencoderKL(TINY);
  const params = vae.init(key(0));
  assertThrows(() => vae.encode(params, randn(key(1), [1, 4, 8, 8])), TypeError, "expected [B, 3, H, W]");
  assertThrows(() => vae.encode(params, randn(key(1), [1, 3, 1, 8])), RangeError, "at least 2 along each side");
  const latents = randn(key(1), [1, 4, 8, 8]);
  assertThrows(() => vae.decode(params, latents.flatten()), TypeError, "cannot decode latents [256]");
  assertThrows(() => vae.decode(params, latents, { tile: 4, overlap: 1 }), RangeError, "overlap 1");
});
