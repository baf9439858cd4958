/** Where and as whom to connect. */
export interface Options {
  /** The system's own address or its mount under the portal: "https://example.org/tickets". */
  readonly url: string;
  /** Which of the contract's servers to use; the first one otherwise. */
  readonly server?: keyof typeof contract.servers;
  /** Called before each connection; answers the token to send, or undefined for none. */
  readonly token?: () => string | undefined | Promise<string | undefined>;
  /** The id of the last durable event seen earlier: what came after it is replayed. */
  readonly since?: string;
  /** Longest pause between attempts to connect, in milliseconds; 10,000 otherwise. */
  readonly maxPause?: number;
  /** Hears when the connection comes and goes. */
  readonly onState?: (state: "connected" | "disconnected", why?: string) => void;
}

/** A request that got no answer because the connection broke: whether it was carried out is unknown. */
export class ConnectionBroken extends Error {}

interface Frame {
  readonly event: string;
  readonly args: readonly unknown[];
  readonly id?: string | undefined;
  readonly ack?: number | undefined;
}

interface Server {
  readonly codec: string;
  readonly path: string;
  readonly event: string;
  readonly payload: string;
  readonly id: string;
}

interface Pending {
  readonly ack: number;
  readonly event: string;
  readonly names: readonly string[];
  readonly resolve: (args: readonly unknown[]) => void;
  readonly reject: (why: Error) => void;
}

type Listener = (...args: readonly unknown[]) => void;
type Names<T> = keyof T & string;
type Answered = { [C in Names<Commands>]: [Commands[C]["reply"]] extends [never] ? never : C }[Names<Commands>];

/**
 * Talks to the server over a WebSocket, reconnects, and asks for the durable events that it missed. Messages that are sent
 * while there is no connection wait for the next one.
 */
export class Client {
  readonly #options: Options;
  readonly #server: Server;
  readonly #listeners = new Map<string, Set<Listener>>();
  #socket: WebSocket | undefined;
  #ready = false;
  #closed = false;
  #pause = 0;
  #acks = 0;
  #since: string;
  #opened: number | undefined;
  #waiting: Pending[] = [];
  #unsent: Frame[] = [];
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #patience = 0;

  constructor(options: Options) {
    this.#options = options;
    const servers: Readonly<Record<string, Server>> = contract.servers;
    const server = servers[options.server ?? Object.keys(servers)[0] ?? ""];
    if (!server) throw new TypeError("the contract has no such server for browsers");
    this.#server = server;
    this.#since = options.since ?? "";
    void this.#connect();
  }

  /** The id of the last durable event; empty before the first. */
  get since(): string {
    return this.#since;
  }

  /** Hears an event; the answer is a function that stops it. */
  on<E extends Names<Events>>(event: E, listener: (...args: Events[E]) => void): () => void {
    const heard: Listener = (...args) => listener(...(args as Events[E]));
    const set = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, set.add(heard));
    return () => void set.delete(heard);
  }

  /** Sends a message without waiting for an answer. */
  emit<C extends Names<Commands>>(event: C, ...args: Commands[C]["args"]): void {
    this.#send({ event, args });
  }

  /** Sends a message and waits for its answer, which is as the contract's replies are: also one that says no. */
  request<C extends Answered>(event: C, ...args: Commands[C]["args"]): Promise<Commands[C]["reply"]> {
    return new Promise<Commands[C]["reply"]>((resolve, reject) => {
      const ack = ++this.#acks;
      const command = commandOf(event);
      const answer = (reply: readonly unknown[]) => resolve((reply.length > 1 ? reply : reply[0]) as Commands[C]["reply"]);
      this.#waiting.push({ ack, event, names: command?.replies ?? [], resolve: answer, reject });
      this.#send({ event, args, ack });
    });
  }

  /** Ends the connection for good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#watchdog);
    this.#socket?.close(1000);
    this.#fail("closed");
  }

  async #connect(): Promise<void> {
    let token: string | undefined;
    try {
      token = await this.#options.token?.();
    } catch (error) {
      this.#again(String(error));
      return;
    }
    if (this.#closed) return;
    const url = new URL(this.#options.url);
    url.protocol = url.protocol.replace("http", "ws");
    url.pathname = url.pathname.replace(/\/$/, "") + this.#server.path;
    if (this.#server.codec === "socketio") {
      url.searchParams.set("EIO", "4");
      url.searchParams.set("transport", "websocket");
    } else {
      if (token) url.searchParams.set("token", token);
      const since = this.#last();
      if (since) url.searchParams.set("since", since);
    }
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#server.codec !== "socketio") this.#connected();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") return;
      if (this.#server.codec === "socketio") this.#packet(data, token);
      else this.#frame(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#again(`${code} ${reason}`.trim());
    };
  }

  /**
   * What the next connection is asked to go on from. After one that brought no id that is an id which no event has: what was
   * missed since then cannot be replayed, and the server says so.
   */
  #last(): string {
    return this.#since || (this.#opened !== undefined && hasDurable ? "0" : "");
  }

  #connected(): void {
    this.#ready = true;
    this.#opened = Date.now();
    this.#options.onState?.("connected");
    for (const frame of this.#unsent.splice(0)) this.#send(frame);
  }

  /** Connects again after a pause that grows until a connection holds, and differs from client to client. */
  #again(why: string): void {
    this.#socket = undefined;
    if (this.#ready && Date.now() - (this.#opened ?? 0) >= steady) this.#pause = 0;
    clearTimeout(this.#watchdog);
    this.#fail(why);
    if (this.#closed) return;
    this.#pause = Math.min(this.#options.maxPause ?? 10_000, this.#pause * 2 || 200);
    setTimeout(() => void this.#connect(), this.#pause * (0.5 + Math.random() / 2));
  }

  /** Requests that were sent fail; those that were not wait on. */
  #fail(why: string): void {
    const unsent = new Set(this.#unsent.map(({ ack }) => ack));
    const sent = this.#waiting.filter(({ ack }) => this.#closed || !unsent.has(ack));
    this.#waiting = this.#waiting.filter((pending) => !sent.includes(pending));
    for (const { event, reject } of sent) reject(new ConnectionBroken(`${event}: ${why}`));
    if (this.#ready) this.#options.onState?.("disconnected", why);
    this.#ready = false;
  }

  #send(frame: Frame): void {
    if (!this.#ready || !this.#socket) {
      if (!this.#closed) this.#unsent.push(frame);
      return;
    }
    this.#socket.send(this.#encode(frame));
  }

  #encode({ event, args, ack }: Frame): string {
    const { codec, event: eventMember, payload } = this.#server;
    if (codec === "socketio") return `42${ack ?? ""}${JSON.stringify([event, ...args])}`;
    if (codec === "command") return JSON.stringify({ [eventMember]: event, ...(args[0] as object | undefined) });
    return JSON.stringify(args.length > 0 ? { [eventMember]: event, [payload]: args[0] } : { [eventMember]: event });
  }

  /** A frame of the envelope and command codecs. */
  #frame(text: string): void {
    const { codec, event: eventMember, payload: payloadMember, id: idMember } = this.#server;
    const { [eventMember]: event, ...rest } = JSON.parse(text) as Record<string, unknown>;
    if (codec === "command") {
      this.#received({ event: String(event), args: [rest] });
      return;
    }
    const id = rest[idMember];
    const args = payloadMember in rest ? [rest[payloadMember]] : [];
    this.#received({ event: String(event), args, id: typeof id === "string" ? id : undefined });
  }

  /** A packet of Engine.IO 4 with Socket.IO 5 inside; acks carry numbers, durable events their id as one more argument. */
  #packet(text: string, token: string | undefined): void {
    this.#watch();
    if (text.startsWith("0")) {
      const { pingInterval, pingTimeout } = JSON.parse(text.slice(1)) as { pingInterval: number; pingTimeout: number };
      this.#patience = pingInterval + pingTimeout;
      this.#watch();
      const since = this.#last();
      this.#socket?.send(`40${JSON.stringify({ ...(token && { token }), ...(since && { since }) })}`);
    } else if (text === "2") {
      this.#socket?.send("3");
    } else if (text.startsWith("40")) {
      this.#connected();
    } else if (text === "1" || text.startsWith("41") || text.startsWith("44")) {
      this.#socket?.close(1000, text.slice(2, 100));
    } else {
      const match = /^4([23])(\d*)(\[.*\])$/s.exec(text);
      if (!match) return;
      const list = JSON.parse(match[3] ?? "[]") as unknown[];
      if (match[1] === "3") {
        this.#received({ event: "", args: list, ack: Number(match[2]) });
        return;
      }
      const [event, ...args] = list;
      const known = eventOf(String(event));
      const id = known?.durable && args.length > known.arity ? args.pop() : undefined;
      this.#received({ event: String(event), args, id: typeof id === "string" ? id : undefined });
    }
  }

  /** A server that has not pinged in time is gone, whatever the socket says. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    if (this.#patience > 0) this.#watchdog = setTimeout(() => this.#socket?.close(), this.#patience);
  }

  #received({ event, args, id, ack }: Frame): void {
    const numbered = this.#server.codec === "socketio";
    const index = this.#waiting.findIndex((p) => (numbered ? p.ack === ack : p.event === event || p.names.includes(event)));
    if (index >= 0) {
      this.#waiting.splice(index, 1)[0]?.resolve(args);
      return;
    }
    if (id !== undefined && !this.#isNew(id)) return;
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...args);
  }

  /** Ids read <epoch>:<n>; one that was seen already comes again when a replay overlaps. */
  #isNew(id: string): boolean {
    const [epoch = "", n = "0"] = id.split(":");
    const [lastEpoch, last = "0"] = this.#since.split(":");
    if (epoch === lastEpoch && BigInt(n) <= BigInt(last)) return false;
    this.#since = id;
    return true;
  }
}

/** How many milliseconds a connection must have held for the next attempt to come soon. */
const steady = 5_000;

const commandOf = (name: string): { readonly replies: readonly string[] } | undefined =>
  (contract.commands as Readonly<Record<string, { readonly replies: readonly string[] }>>)[name];

const eventOf = (name: string): { readonly arity: number; readonly durable: boolean } | undefined =>
  (contract.events as Readonly<Record<string, { readonly arity: number; readonly durable: boolean }>>)[name];

const hasDurable = Object.keys(contract.events).some((name) => eventOf(name)?.durable);
