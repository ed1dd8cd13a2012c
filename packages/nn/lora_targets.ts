/**
 * Which modules of a network LoRA adds to.
 *
 * @module
 */

/**
 * Whether a module is a target, by peft's rule for `target_modules`.
 *
 * @param module the path of a module, for instance `mid_block.attentions.0.transformer_blocks.0.attn1.to_q`
 * @param targets a list of paths or ends of paths, or a regular expression for whole paths
 * @returns whether it is
 * @throws {SyntaxError} when the regular expression is none
 */
export function matchesTarget(module: string, targets: readonly string[] | string): boolean {
  if (typeof targets === "string") return targetExpression(targets).test(module);
  return targets.some((target) => module === target || module.endsWith(`.${target}`));
}

/**
 * The regular expression for whole paths.
 *
 * @param source its source
 * @returns the expression
 * @throws {SyntaxError} when it is none
 */
export function targetExpression(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, "u");
  } catch {
    throw new SyntaxError(`LoRA has targets "${source}", expected a regular expression or a list of names`);
  }
}
