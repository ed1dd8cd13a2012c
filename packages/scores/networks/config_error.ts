import type { z } from "zod";

/**
 * Checks a network configuration and fills in its defaults. Keys that begin
 * with "_" (`_diffusers_version`, `_name_or_path`) are left out first; of
 * these, `_class_name` has to be the network's.
 *
 * @param schema What the configuration must look like.
 * @param value The configuration, as parsed from JSON.
 * @param network The network's name.
 * @param olderName What older files call the class.
 * @returns The complete configuration.
 * @throws {TypeError} With every wrong field's path, value and expectation.
 */
export function parseConfig<T>(
  schema: z.ZodType<T>,
  value: unknown,
  network: string,
  olderName = network,
): T {
  const name = (value as { _class_name?: unknown } | null | undefined)?._class_name;
  if (name !== undefined && name !== network && name !== olderName) {
    throw new TypeError(`Invalid configuration of ${network}: _class_name is ${JSON.stringify(name)}`);
  }
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
