/** The types of `parseArgs`: what goes in decides what comes out. @module */

/** One option name or several. */
export type Names<T extends string = string> = T | readonly T[];

/** What `parseArgs` is told about the options. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  N extends string = string,
  D extends Record<string, unknown> = Record<string, unknown>,
  A extends Record<string, Names> = Record<string, Names>,
> {
  /** Keep what follows `--` in the property `--` instead of `_`. */
  "--"?: boolean;
  /** Other names of an option. */
  alias?: A;
  /** Options without a value; `true` for all of them. */
  boolean?: boolean | Names<B>;
  /** Values of options that are not given. */
  default?: D;
  /** Put everything after the first non-option into `_`. */
  stopEarly?: boolean;
  /** Options whose values stay strings. */
  string?: Names<S>;
  /** Options that may be given several times; their values are lists. */
  collect?: Names<C>;
  /** Options that `--no-NAME` sets to `false`. */
  negatable?: Names<N>;
  /** Called for what was not declared; `false` leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type Flat<T> = { [K in keyof T]: T[K] };
type Widen<T> = T extends string ? string
  : T extends number ? number
  : T extends boolean ? boolean
  : T;
type Off<K, N> = K extends N ? false : never;

type Given<B extends string, S extends string, C extends string, N> =
  & { [K in Exclude<S, C | "_">]: string | undefined | Off<K, N> }
  & { [K in Extract<S, C>]: string[] }
  & { [K in Exclude<B, C>]: boolean }
  & { [K in Extract<B, C>]: boolean[] }
  & { [K in Exclude<C, B | S>]: unknown[] };

type WithDefaults<T, D> =
  & Omit<T, keyof D>
  & {
    [K in keyof D]: K extends keyof T ? NonNullable<T[K]> | Exclude<Widen<D[K]>, NonNullable<T[K]>>
      : unknown extends D[K] ? unknown
      : Widen<D[K]>;
  };

type Aliases<T, A> = {
  [K in keyof A & keyof T as A[K] extends Names<infer L> ? L : never]: T[K];
};

/** What `parseArgs` returns for the options it was given. */
export type Args<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  N extends string = string,
  D = Record<string, unknown>,
  A = Record<string, Names>,
> =
  & { _: Array<string | number>; "--"?: string[] }
  & ([B | S | C] extends [never] ? Record<string, unknown>
    : Flat<
      & WithDefaults<Given<B, S, C, N>, D>
      & Aliases<WithDefaults<Given<B, S, C, N>, D>, A>
    >);
