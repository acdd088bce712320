// The demo from a terminal: the same stores, the same actions, no browser.
import { parseArgs } from "node:util";
import { ConatError, connect, dkv, PubSub, setDefaultClient } from "@conat/conat";
import { BuildActions } from "./src/build-actions.ts";
import { HEARTBEAT_MS, People } from "./src/people.ts";
import {
  type CursorMessage,
  createId,
  createTodo,
  cursorTopic,
  type Person,
  type Todo,
  todoStore,
} from "./src/stores.ts";
import { describeBuild, describeTodo } from "./src/terminal-text.ts";

const HELP = `node --conditions=source --import tsx examples/demo/backend.ts [address] [options]

Joins the demo's stores: adds a to-do, runs the build, and prints what everybody changes.

  address           http://… for a hub in development mode, nats://… straight to NATS
                    (default: $CONAT_URL, else http://127.0.0.1:4400)
  --project <id>    the project to join (default: demo)
  --name <name>     who you are (default: Terminal)
  --add <text>      the to-do to add (default: Greet the terminal)
  --seconds <n>     how long the build takes (default: 10)
  --watch           only print what the others change
  --once            leave when the build is over
  --help            show this`;

const CONNECT_TIMEOUT_MS = 10_000;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      project: { type: "string", default: "demo" },
      name: { type: "string", default: "Terminal" },
      add: { type: "string", default: "Greet the terminal" },
      seconds: { type: "string", default: "10" },
      watch: { type: "boolean", default: false },
      once: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new ConatError("bad-options", "--seconds must be a positive number");

  const project_id = values.project;
  const me: Person = { id: createId(), name: values.name, hue: 200 };
  const client = connect({
    address: positionals[0] ?? process.env.CONAT_URL ?? "http://127.0.0.1:4400",
    identity: { project_id },
  });
  setDefaultClient(client);
  await client.ready(CONNECT_TIMEOUT_MS);

  const todos = await dkv<Todo>(todoStore(project_id));
  console.log(`joined ${project_id} at ${client.address}: ${todos.size} to-dos`);
  todos.on("change", (change) => console.log(describeTodo(change)));

  const actions = new BuildActions({
    client,
    project_id,
    person: () => me,
    durationMs: seconds * 1_000,
  });
  await actions.init();
  const cursors = joinCursors(project_id, me, actions);
  const stopPrinting = actions.subscribe(createBuildPrinter(actions));

  if (!values.watch) {
    await todos.set(createId(), createTodo(values.add, me)).settled();
    if (!(await actions.start())) console.log("the build: somebody runs it already");
  }
  await (values.once && !values.watch ? untilBuilt(actions) : untilSignal());

  stopPrinting();
  cursors.close();
  actions.close();
  await todos.close();
  await client.close();
}

/** Shows this process in every window, its pointer on the bar of the build it runs, and prints who comes and goes. */
function joinCursors(project_id: string, me: Person, actions: BuildActions): { close(): void } {
  const id = createId();
  const people = new People(id);
  const topic = new PubSub<CursorMessage>(cursorTopic(project_id));
  let known = new Map<string, string>();
  people.subscribe(() => {
    const present = new Map(people.present().map((person) => [person.id, person.name]));
    for (const [who, name] of present) if (!known.has(who)) console.log(`${name} is here`);
    for (const [who, name] of known) if (!present.has(who)) console.log(`${name} has left`);
    known = present;
  });
  const tell = (): void => {
    const { mine, build } = actions.view();
    const at = mine && build ? { anchor: "build" as const, x: build.progress, y: 0.5 } : undefined;
    topic.set({ id, person: me, at });
  };
  topic.on("change", (message) => people.receive(message, performance.now()));
  tell();
  const stop = actions.subscribe(tell);
  const timer = setInterval(() => {
    tell();
    people.sweep(performance.now());
  }, HEARTBEAT_MS);
  return {
    close() {
      clearInterval(timer);
      stop();
      topic.set({ id, person: me, gone: true });
      topic.close();
    },
  };
}

/** Prints what is new about the build, not every step of its bar. */
function createBuildPrinter(actions: BuildActions): () => void {
  let printed = "";
  return () => {
    const { build } = actions.view();
    const text = build === undefined ? "" : describeBuild(build);
    if (text !== printed && text !== "") console.log(text);
    printed = text;
  };
}

async function untilBuilt(actions: BuildActions): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = actions.subscribe(check);
    function check(): void {
      const { build, stalled } = actions.view();
      if (build?.state === "running" && !stalled) return;
      stop();
      resolve();
    }
    check();
  });
}

async function untilSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // What is still open must not keep a failed run alive.
  process.exit(1);
}
