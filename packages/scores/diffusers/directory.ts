import {
  type Component,
  loadComponent,
  type LoadComponentOptions,
  type LoadedComponent,
  makeComponent,
  openComponent,
} from "./load_component.ts";
import { readJson } from "./read_json.ts";
import { parseScheduler, type Scheduler } from "./scheduler.ts";
import { loadTokenizer, type TextTokenizer } from "../tokenizers/load_tokenizer.ts";

/** Configurations of components by their names. */
export type ComponentConfigs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * A directory in the layout of diffusers: `model_index.json` names the pipeline and the class of each component, which
 * lies in a folder of its own.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { DiffusersDirectory } from "@dipp/scores";
 *
 * await assertRejects(() => DiffusersDirectory.open("/nowhere"), TypeError, "model_index.json: there is no such file");
 * ```
 */
export class DiffusersDirectory {
  /** Where it is, without a slash at the end. */
  readonly path: string;
  /** `model_index.json` as it is. */
  readonly index: Readonly<Record<string, unknown>>;
  /** The components: name to library and class. */
  readonly components: ReadonlyMap<string, readonly [library: string, className: string]>;

  readonly #configs: ComponentConfigs | undefined;

  private constructor(path: string, index: Readonly<Record<string, unknown>>, configs?: ComponentConfigs) {
    this.path = path;
    this.index = index;
    this.#configs = configs;
    const components = new Map<string, readonly [string, string]>();
    for (const [name, value] of Object.entries(index)) {
      if (name.startsWith("_") || !Array.isArray(value)) continue;
      const [library, className] = value as unknown[];
      if (library === null && className === null) continue;
      if (
        value.length !== 2 || typeof library !== "string" || typeof className !== "string" || /[/\\]|^\.+$/.test(name)
      ) {
        throw new TypeError(
          `Cannot read ${path}/model_index.json: ${name} is ${
            JSON.stringify(value).slice(0, 200)
          }, expected library and class`,
        );
      }
      components.set(name, [library, className]);
    }
    this.components = components;
  }

  /**
   * Reads which components there are; none of them is loaded.
   *
   * @param path The directory.
   * @returns The directory.
   * @throws {TypeError} If it is no directory of diffusers.
   */
  static async open(path: string): Promise<DiffusersDirectory> {
    const plain = path.replace(/\/+$/, "");
    return new DiffusersDirectory(plain, await readJson(`${plain}/model_index.json`));
  }

  /**
   * A directory that is only described: its networks and its scheduler can be made, nothing can be loaded.
   *
   * @param name What to call it in errors.
   * @param index What `model_index.json` would hold.
   * @param configs What the `config.json` of each component would hold, and `scheduler_config.json`.
   * @returns The directory.
   * @throws {TypeError} If the index is wrong.
   */
  static of(name: string, index: Readonly<Record<string, unknown>>, configs: ComponentConfigs): DiffusersDirectory {
    return new DiffusersDirectory(name, index, configs);
  }

  /** The class of the pipeline. */
  get pipeline(): string {
    return `${this.index._class_name}`;
  }

  /**
   * Loads a network.
   *
   * @param name The component: `unet`, `transformer`, `vae`, `text_encoder`.
   * @param options Element type, variant, and which misfits are no error.
   * @returns The network with its parameters, on the device.
   * @throws {TypeError} If there is no such component, or it is not what it should be.
   * @throws {RangeError} If its checkpoint is broken, or does not fit.
   */
  async load(name: string, options: LoadComponentOptions = {}): Promise<LoadedComponent> {
    return await loadComponent(`${this.path}/${name}`, { className: this.#classOf(name), ...options });
  }

  /**
   * Makes a network without its weights, which need not be there.
   *
   * @param name The component.
   * @returns The network.
   * @throws {TypeError} If there is no such component, or it is not what it should be.
   */
  async describe(name: string): Promise<Component> {
    const className = this.#classOf(name);
    if (this.#configs) return makeComponent(this.#configs[name] ?? {}, `${this.path}/${name}`, className);
    return await openComponent(`${this.path}/${name}`, className);
  }

  /**
   * Reads the scheduler.
   *
   * @returns The forward process, what the network predicts, and how to sample.
   * @throws {TypeError} If there is none, or it is not known.
   */
  async scheduler(): Promise<Scheduler> {
    const className = this.#classOf("scheduler");
    const config = this.#configs?.scheduler ?? await readJson(`${this.path}/scheduler/scheduler_config.json`);
    return parseScheduler({ _class_name: className, ...config });
  }

  /**
   * Loads a tokenizer.
   *
   * @param name The component.
   * @param vocabularySize Token ids that the text encoder knows; a tokenizer that has more is refused.
   * @returns The tokenizer.
   * @throws {TypeError} If there is none, or its files are not what they should be.
   * @throws {RangeError} If it does not match the text encoder.
   */
  async tokenizer(name = "tokenizer", vocabularySize?: number): Promise<TextTokenizer> {
    return await loadTokenizer(`${this.path}/${name}`, { className: this.#classOf(name), vocabularySize });
  }

  #classOf(name: string): string {
    const found = this.components.get(name);
    if (found) return found[1];
    throw new TypeError(
      `${this.path} has no component "${name}", only ${[...this.components.keys()].join(", ") || "none"}`,
    );
  }
}
