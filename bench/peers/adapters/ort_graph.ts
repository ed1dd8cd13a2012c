/** The work of a row as an ONNX graph. */
import { EPS, Unsupported, type Work } from "../row.ts";
import type { OnnxGraph, OnnxNode } from "./onnx_model.ts";

type Shapes = readonly (readonly number[])[];

/** The graph of inputs `i0`, `i1`, ... and the output `out`; heads of attention lie behind the sequence. */
export function ortGraph(work: Work, shapes: Shapes): OnnxGraph {
  const inputs = Object.fromEntries(shapes.map((shape, i) => [`i${i}`, shape]));
  const graph = (nodes: OnnxNode[], shape: readonly number[], constants: Partial<OnnxGraph> = {}): OnnxGraph => ({
    nodes,
    inputs,
    outputs: { out: shape },
    ...constants,
  });
  const node = (opType: string, input: string[], output = "out", rest: Partial<OnnxNode> = {}): OnnxNode => ({
    opType,
    input,
    output: [output],
    ...rest,
  });
  const [a, b] = shapes;
  switch (work.op) {
    case "matmul":
      return graph([node("MatMul", ["i0", "i1"])], [...a.slice(0, -1), b[b.length - 1]]);
    case "conv2d": {
      const attributes = { pads: [1, 1, 1, 1], kernel_shape: [3, 3] };
      if (work.pass === "weightGrad") break;
      const opType = work.pass === "forward" ? "Conv" : "ConvTranspose";
      return graph([node(opType, ["i0", "i1"], "out", { attributes })], a);
    }
    case "groupNormSilu": {
      const [batch, channels] = a;
      const { groups } = work;
      const nodes = [
        node("Reshape", ["i0", "grouped"], "g"),
        node("InstanceNormalization", ["g", "ones", "zeros"], "n", { floats: { epsilon: EPS } }),
        node("Reshape", ["n", "whole"], "r"),
        node("Reshape", ["i1", "channels"], "weight"),
        node("Reshape", ["i2", "channels"], "bias"),
        node("Mul", ["r", "weight"], "m"),
        node("Add", ["m", "bias"], "y"),
        node("Sigmoid", ["y"], "s"),
        node("Mul", ["y", "s"]),
      ];
      return graph(nodes, a, {
        shapes: { grouped: [batch, groups, -1], whole: a, channels: [1, channels, 1, 1] },
        floats: { ones: new Array(groups).fill(1), zeros: new Array(groups).fill(0) },
      });
    }
    case "layerNorm":
      return graph(
        [node("LayerNormalization", ["i0", "i1", "i2"], "out", { attributes: { axis: -1 }, floats: { epsilon: EPS } })],
        a,
      );
    case "attention": {
      if (work.pass === "backward") break;
      const [batch, length, heads, width] = a;
      const nodes = [0, 1, 2].map((i) => node("Reshape", [`i${i}`, "joined"], `j${i}`));
      nodes.push(
        node("MultiHeadAttention", ["j0", "j1", "j2"], "o", {
          attributes: { num_heads: heads },
          domain: "com.microsoft",
        }),
        node("Reshape", ["o", "split"]),
      );
      return graph(nodes, a, { shapes: { joined: [batch, length, heads * width], split: a } });
    }
    case "chain": {
      const nodes: OnnxNode[] = [];
      let x = "i0";
      for (let i = 0; i < work.rounds; i++) {
        nodes.push(
          node("Mul", [x, "i1"], `m${i}`),
          node("Add", [`m${i}`, "i0"], `s${i}`),
          node("Tanh", [`s${i}`], `t${i}`),
          node("Mul", [`t${i}`, "half"], i === work.rounds - 1 ? "out" : `x${i}`),
        );
        x = `x${i}`;
      }
      return graph(nodes, a, { floats: { half: [0.5] } });
    }
  }
  throw new Unsupported("it has no gradients and no optimisers");
}
