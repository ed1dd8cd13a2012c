/** Measured choices of kernel forms: where `deno task tune` writes them and every later process reads them. */
import type { ConvVariant, MatmulVariant } from "@dipp/kernels";
import type { Backend } from "../backend/backend.ts";

/** The form that was fastest, by the kind and size of the work (`matmulKey`, `convKey`). */
export type Tuning = ReadonlyMap<string, MatmulVariant | ConvVariant>;

/** What a file of measurements is valid for. */
export interface TuningScope {
  /** Adapter and driver, in words. */
  readonly adapter: string;
  /** Version of Deno, which brings the WebGPU implementation. */
  readonly deno: string;
}

/** Format of the file; a file of another one is stale. */
const VERSION = 1;

/** The scope that measurements on a backend have. */
export function tuningScope({ description }: Pick<Backend, "description">): TuningScope {
  return { adapter: description, deno: globalThis.Deno?.version.deno ?? "none" };
}

/** An environment variable, undefined without the permission to read it. */
function variable(name: string): string | undefined {
  const { Deno } = globalThis;
  if (Deno?.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
  return Deno.env.get(name);
}

/**
 * The file of measurements for a scope: `DIPP_TUNING` where it is set (empty for none), else one in the user's cache
 * directory (`XDG_CACHE_HOME`, or `.cache` in the home directory).
 */
export function tuningPath(scope: TuningScope): string | undefined {
  const given = variable("DIPP_TUNING");
  if (given !== undefined) return given || undefined;
  const home = variable("HOME");
  const cache = variable("XDG_CACHE_HOME") || (home && `${home}/.cache`);
  const name = `${scope.adapter}-${scope.deno}`.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-");
  return cache && `${cache}/dipp/tuning-${name}.json`;
}

const LIMITS: Record<string, Record<string, number>> = {
  register: { height: 64, width: 16, turn: 4 },
  tiled: { rows: 8, columns: 8, depth: 16 },
  window: { run: 16, channels: 64 },
};

function isVariant(value: unknown): value is MatmulVariant | ConvVariant {
  if (typeof value !== "object" || value === null) return false;
  const { kind, lanes, product, vec4, ...numbers } = value as Record<string, unknown>;
  if (kind === "matmul") return product === undefined || isVariant(product);
  if (vec4 !== undefined && (kind !== "tiled" || typeof vec4 !== "boolean")) return false;
  const limits = LIMITS[`${kind}`];
  if (!limits || Object.keys(numbers).some((name) => !(name in limits))) return false;
  if (kind === "register" && lanes !== "rows" && lanes !== "columns") return false;
  const step = kind === "tiled" ? 4 : 1;
  return Object.entries(limits).every(([name, most]) => {
    const n = numbers[name];
    return Number.isInteger(n) && n as number >= 1 && n as number <= most && n as number % step === 0;
  });
}

/**
 * Reads the text of a file of measurements.
 *
 * @throws {TypeError} Where it is no such file, or one for another adapter or version.
 */
export function parseTuning(text: string, scope: TuningScope): Tuning {
  const { version, adapter, deno, forms } = JSON.parse(text) ?? {};
  if (version !== VERSION || adapter !== scope.adapter || deno !== scope.deno) {
    throw new TypeError(
      `it is version ${version} for ${adapter} and Deno ${deno}, expected ${VERSION} for ${scope.adapter} and ${scope.deno}`,
    );
  }
  const entries = Object.entries(forms ?? {});
  for (const [key, form] of entries) {
    if (!isVariant(form)) throw new TypeError(`"${key}" is ${JSON.stringify(form)}, expected a form of a kernel`);
  }
  return new Map(entries as [string, MatmulVariant | ConvVariant][]);
}

/** The text of a file of measurements. */
export function formatTuning(tuning: Tuning, scope: TuningScope): string {
  return `${JSON.stringify({ version: VERSION, ...scope, forms: Object.fromEntries(tuning) }, null, 2)}\n`;
}

const known = new WeakMap<Backend, Tuning>();

/**
 * The measurements for a backend, read once. Without a file, or one that may be read, there are none, which is said once
 * for a graphics processor; one that does not fit is reported, once, and passed over.
 */
export function tuningOf(backend: Backend): Tuning {
  let tuning = known.get(backend);
  if (!tuning) known.set(backend, tuning = load(tuningScope(backend), backend.adapterClass));
  return tuning;
}

function load(scope: TuningScope, adapterClass: Backend["adapterClass"]): Tuning {
  const path = tuningPath(scope);
  const { Deno } = globalThis;
  if (!path || Deno?.permissions.querySync({ name: "read", path }).state !== "granted") return new Map();
  try {
    return parseTuning(Deno.readTextFileSync(path), scope);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      // The built-in choices were measured on the software adapter
      if (adapterClass === "discrete" || adapterClass === "integrated") {
        console.warn(`${scope.adapter}: built-in kernel choices; deno task tune measures this adapter`);
      }
    } else {
      console.warn(`Kernels are not tuned: cannot use ${path}: ${(error as Error).message} (deno task tune)`);
    }
    return new Map();
  }
}
