import type { z } from "zod";

/**
 * Checks a network configuration and fills in its defaults. Keys that begin
 * with "_" (`_class_name`, `_diffusers_version`) are left out first.
 *
 * @param schema What the configuration must look like.
 * @param value The configuration, as parsed from JSON.
 * @param network The network's name, for the error.
 * @returns The complete configuration.
 * @throws {TypeError} With every wrong field's path, value and expectation.
 */
export function parseConfig<T>(
  schema: z.ZodType<T>,
  value: unknown,
  network: string,
): T {
  const own = value !== null && typeof value === "object"
    ? Object.fromEntries(
      Object.entries(value).filter(([name]) => !name.startsWith("_")),
    )
    : value;
  const result = schema.safeParse(own);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const path = issue.path.join(".") || "(top level)";
    let got: unknown = own;
    for (const step of issue.path) {
      got = (got as Record<PropertyKey, unknown> | undefined)?.[step];
    }
    return issue.path.length === 0 ? issue.message : `${path} is ${JSON.stringify(got)}: ${issue.message}`;
  });
  throw new TypeError(
    `Invalid configuration of ${network}: ${problems.join("; ")}`,
  );
}
