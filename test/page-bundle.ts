import { build, defaultClientConditions } from "vite";

const ENTRY = "virtual:page";
const PAGE = `${import.meta.dirname}/page.ts`;

export interface PageBundle {
  /** Paths of everything that went into it. */
  readonly modules: readonly string[];
  readonly code: string;
}

/**
 * What a browser loads for a page that consists of `source`, built as an application's Vite does.
 * @param external what is left out, if anything is
 */
export async function bundlePage(
  source: string,
  conditions: string[] = ["source", ...defaultClientConditions],
  external?: RegExp,
): Promise<PageBundle> {
  const built = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: "error",
    resolve: { conditions },
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === ENTRY ? PAGE : undefined),
        load: (id) => (id === PAGE ? source : undefined),
      },
    ],
    build: {
      write: false,
      rollupOptions: {
        input: ENTRY,
        preserveEntrySignatures: "strict",
        ...(external && { external }),
      },
    },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) =>
    "output" in one ? one.output : [],
  );
  const chunks = outputs.flatMap((output) => (output.type === "chunk" ? [output] : []));
  return {
    modules: chunks.flatMap((chunk) => Object.keys(chunk.modules)),
    code: chunks.map((chunk) => chunk.code).join("\n"),
  };
}
